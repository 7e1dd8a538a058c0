import { subjectToken } from "../control/subjects.ts";

const EVENTS = "$NEX.events";
const LOGS = "$NEX.logs";

/** `$NEX.events.<namespace>.<type>`; `*` for either subscribes to all. @throws NexError `invalid_name` */
export function eventSubject(namespace = "*", type = "*"): string {
  return [EVENTS, subjectToken(namespace), subjectToken(type)].join(".");
}

export function parseEventSubject(subject: string): { namespace: string; type: string } | undefined {
  const [namespace, type, ...rest] = tokensAfter(EVENTS, subject);
  return namespace && type && rest.length === 0 ? { namespace, type } : undefined;
}

/** Where a log record comes from. */
export interface LogSource {
  readonly namespace: string;
  readonly node: string;
  /** Instance id. */
  readonly id: string;
  /** Name of the workload. */
  readonly workload: string;
}

/**
 * `$NEX.logs.<namespace>.<node>.<instance id>.<workload name>`; parts left out become `*`, to subscribe.
 *
 * @throws NexError `invalid_name`
 */
export function logSubject(source: Partial<LogSource> = {}): string {
  const { namespace = "*", node = "*", id = "*", workload = "*" } = source;
  return [LOGS, ...[namespace, node, id, workload].map(subjectToken)].join(".");
}

/**
 * The same with name and id swapped: where a client of 0.2.7 looks for the records of one name or id.
 *
 * @throws NexError `invalid_name`
 */
export function legacyLogSubject({ namespace, node, id, workload }: LogSource): string {
  return logSubject({ namespace, node, id: workload, workload: id });
}

/**
 * Reads a log subject. 0.2.7 publishes the lines its node adds about functions with name and id swapped;
 * pass the `id` of the message's body to tell which is which.
 */
export function parseLogSubject(
  subject: string,
  bodyId?: string,
): (LogSource & { readonly isSwapped: boolean }) | undefined {
  const [namespace, node, third, fourth, ...rest] = tokensAfter(LOGS, subject);
  if (!namespace || !node || !third || !fourth || rest.length > 0) return undefined;
  const isSwapped = bodyId === fourth && bodyId !== third;
  const [id, workload] = isSwapped ? [fourth, third] : [third, fourth];
  return { namespace, node, id, workload, isSwapped };
}

function tokensAfter(prefix: string, subject: string): readonly string[] {
  return subject.startsWith(`${prefix}.`) ? subject.slice(prefix.length + 1).split(".") : [];
}
