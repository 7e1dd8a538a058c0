import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { checkName, NexError, type SigningKey } from "@nex/protocol";

export interface NexClientOptions {
  /** A connection to use; it stays open when the client is closed. */
  readonly connection?: NatsConnection;
  /** How to make a connection, if none is given. Default `nats://127.0.0.1:4222` without credentials. */
  readonly connectOptions?: NodeConnectionOptions;
  /** Where workloads are deployed and looked for. Default `default`. */
  readonly namespace?: string;
  /** Signs deploys, stops and rollbacks. Default: the key in `defaultIssuerPath(process.env)`, made when first needed. */
  readonly issuer?: SigningKey;
  /** How long nodes have to answer a question, ms. Default 2000. */
  readonly timeoutMs?: number;
  /** How long a node has to carry out a deploy, rollback or stop, ms. Default 90,000. */
  readonly deployTimeoutMs?: number;
}

/** {@link NexClientOptions} checked, with their defaults. */
export interface CompleteOptions {
  readonly connection: NatsConnection | undefined;
  readonly connectOptions: NodeConnectionOptions;
  readonly namespace: string;
  readonly issuer: SigningKey | undefined;
  readonly timeoutMs: number;
  readonly deployTimeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 2000;

/** A node fetches the artifact, starts sandboxes and waits until services stay up: a minute in the worst case. */
const DEFAULT_DEPLOY_TIMEOUT_MS = 90_000;

/** Longest delay a timer of Node.js can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws NexError `invalid_request`, `invalid_name` */
export function completeOptions(options: NexClientOptions): CompleteOptions {
  const { connection, connectOptions, issuer } = options;
  if (connection !== undefined && connectOptions !== undefined) {
    throw new NexError("invalid_request", "Give connection or connectOptions, not both.");
  }
  return {
    connection,
    connectOptions: connectOptions ?? {},
    namespace: checkName("namespace", options.namespace ?? "default"),
    issuer,
    timeoutMs: checkTimeout("timeoutMs", options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    deployTimeoutMs: checkTimeout("deployTimeoutMs", options.deployTimeoutMs ?? DEFAULT_DEPLOY_TIMEOUT_MS),
  };
}

/** @throws NexError `invalid_request` */
export function checkTimeout(name: string, milliseconds: number): number {
  if (Number.isInteger(milliseconds) && milliseconds >= 1 && milliseconds <= MAX_TIMER_MS) return milliseconds;
  throw new NexError("invalid_request", `${name} must be a whole number of milliseconds from 1 to ${MAX_TIMER_MS}.`, {
    data: { field: name },
  });
}
