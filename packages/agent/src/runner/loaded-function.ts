import type { TriggerMessage } from "@nex/link";
import type { Invocation } from "./invocation.ts";
import type { EncodedReply } from "@nex/functions/internal";

/** A function that is ready to be invoked, whatever it was written in. */
export interface LoadedFunction {
  /** `one` where an invocation may block the runner and must be alone in it. */
  readonly concurrency: "many" | "one";
  /** Throws or rejects with what the function threw. */
  invoke(message: TriggerMessage, invocation: Invocation): EncodedReply | Promise<EncodedReply>;
}
