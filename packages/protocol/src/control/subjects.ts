import { NexError } from "../errors.ts";
import { isName } from "../workloads/names.ts";

/** What the second token of a control subject asks for. The first eight are 0.2.7's, the rest our additions. */
export const CONTROL_OPERATIONS = [
  "AUCTION",
  "PING",
  "WPING",
  "INFO",
  "DEPLOY",
  "STOP",
  "LAMEDUCK",
  "WORKLOADS",
  "ROLLBACK",
  "UNDEPLOY",
  "LOGS",
  "RECENT_EVENTS",
] as const;
export type ControlOperation = (typeof CONTROL_OPERATIONS)[number];

/**
 * Subjects of the control API. Every token is a name, a node's or instance's id, or `*` for a node's own
 * subscriptions. Nodes subscribe without queue groups.
 *
 * @throws NexError `invalid_name` for any other token, so that no name can reach another subject
 */
export const controlSubjects = {
  /** Every node that matches answers; the others stay silent. */
  auction: (): string => build("AUCTION"),
  /** One node with an id, every node without. */
  ping: (node?: string): string => build("PING", node),
  /** Nodes with at least one match answer. `workload` is a workload's name or an instance's id. */
  workloadPing: (namespace: string, workload?: string): string => build("WPING", namespace, workload),
  info: (namespace: string, node: string): string => build("INFO", namespace, node),
  deploy: (namespace: string, node: string): string => build("DEPLOY", namespace, node),
  /** Stops one instance by its id. */
  stop: (namespace: string, node: string): string => build("STOP", namespace, node),
  lameDuck: (node: string): string => build("LAMEDUCK", node),
  /** Every node answers with its detailed list. */
  workloads: (namespace: string): string => build("WORKLOADS", namespace),
  rollback: (namespace: string, node: string): string => build("ROLLBACK", namespace, node),
  /** Stops a workload by name, with all its instances on that node. */
  undeploy: (namespace: string, node: string): string => build("UNDEPLOY", namespace, node),
  /** Every node answers with what its bounded ring of log records holds. */
  logs: (namespace: string): string => build("LOGS", namespace),
  /** Every node answers with what its bounded ring of events holds. */
  recentEvents: (namespace: string): string => build("RECENT_EVENTS", namespace),
} as const;

export interface ControlSubject {
  readonly operation: ControlOperation;
  readonly namespace?: string;
  readonly node?: string;
  /** Name or instance id, in WPING only. */
  readonly workload?: string;
}

type Part = "namespace" | "node" | "workload";

/** What follows the operation, in order; parts after `required` may be left out. */
const FORMS: Readonly<Record<ControlOperation, { readonly parts: readonly Part[]; readonly required: number }>> = {
  AUCTION: { parts: [], required: 0 },
  PING: { parts: ["node"], required: 0 },
  WPING: { parts: ["namespace", "workload"], required: 1 },
  INFO: { parts: ["namespace", "node"], required: 2 },
  DEPLOY: { parts: ["namespace", "node"], required: 2 },
  STOP: { parts: ["namespace", "node"], required: 2 },
  LAMEDUCK: { parts: ["node"], required: 1 },
  WORKLOADS: { parts: ["namespace"], required: 1 },
  ROLLBACK: { parts: ["namespace", "node"], required: 2 },
  UNDEPLOY: { parts: ["namespace", "node"], required: 2 },
  LOGS: { parts: ["namespace"], required: 1 },
  RECENT_EVENTS: { parts: ["namespace"], required: 1 },
};

/** Reads a control subject that a message came in on; `undefined` if it is none, or a token is not a name. */
export function parseControlSubject(subject: string): ControlSubject | undefined {
  const [prefix, verb, ...tokens] = subject.split(".");
  const operation = CONTROL_OPERATIONS.find((known) => known === verb);
  if (prefix !== "$NEX" || operation === undefined) return undefined;
  const { parts, required } = FORMS[operation];
  if (tokens.length < required || tokens.length > parts.length || !tokens.every(isName)) return undefined;
  return { operation, ...Object.fromEntries(tokens.map((token, index) => [parts[index], token])) };
}

function build(operation: ControlOperation, ...tokens: readonly (string | undefined)[]): string {
  return ["$NEX", operation, ...tokens.filter((token) => token !== undefined).map(subjectToken)].join(".");
}

/** One token of a Nex subject: a name or the wildcard `*`. @throws NexError `invalid_name` */
export function subjectToken(token: string): string {
  if (token === "*" || isName(token)) return token;
  const shown = token.slice(0, 80);
  throw new NexError(
    "invalid_name",
    `"${shown}" cannot be part of a Nex subject: names and ids are 1 to 63 letters, digits, \`_\` or \`-\`.`,
    { data: { value: shown } },
  );
}
