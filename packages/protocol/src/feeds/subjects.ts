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
 * Reads a log subject. 0.2.7 publishes the lines its node adds about functions with name and id swapped;
 * pass the `id` of the message's body to tell which is which.
 */
export function parseLogSubject(subject: string, bodyId?: string): LogSource | undefined {
  const [namespace, node, third, fourth, ...rest] = tokensAfter(LOGS, subject);
  if (!namespace || !node || !third || !fourth || rest.length > 0) return undefined;
  const swapped = bodyId === fourth && bodyId !== third;
  return swapped ? { namespace, node, id: fourth, workload: third } : { namespace, node, id: third, workload: fourth };
}

function tokensAfter(prefix: string, subject: string): readonly string[] {
  return subject.startsWith(`${prefix}.`) ? subject.slice(prefix.length + 1).split(".") : [];
}
