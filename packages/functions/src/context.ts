import type { Reply, ReplyOptions, ReplyPayload } from "./reply.ts";
import type { FunctionServices } from "./services/function-services.ts";

/** Writes log records that carry the invocation's id. Parts are put together as `console.log` does. */
export interface FunctionLog {
  readonly debug: (...parts: unknown[]) => void;
  readonly info: (...parts: unknown[]) => void;
  readonly warn: (...parts: unknown[]) => void;
  readonly error: (...parts: unknown[]) => void;
}

/** Which deployed workload this code is. */
export interface WorkloadIdentity {
  readonly name: string;
  readonly namespace: string;
  /** Counts the deploys of the workload, from 1. */
  readonly revision: number;
}

/** What an invocation may use besides its message. */
export interface FunctionContext extends FunctionServices {
  /** Stands in the log records and in error replies of this invocation. */
  readonly invocationId: string;
  readonly workload: WorkloadIdentity;
  /** Environment of the deploy request, opened. Nothing of the node's own environment is in it. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: FunctionLog;
  /** Aborts when the invocation's deadline has passed or the caller has withdrawn; hand it to what you wait for. */
  readonly signal: AbortSignal;
  /**
   * Makes a reply with headers. Return it; if the handler returns `undefined` instead, the last one made counts.
   * @throws NexError `function_failed` for a header that NATS cannot carry
   */
  readonly reply: (payload?: ReplyPayload, options?: ReplyOptions) => Reply;
}
