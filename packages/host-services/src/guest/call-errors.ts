import { serviceError } from "@nex/functions/internal";
import { isNexError, NexError } from "@nex/protocol";

/**
 * The same error with the stack of whoever waits: the function's own lines. It was made where the answer came in, or
 * for all calls of a link that has closed.
 */
export function thrownHere(error: unknown): unknown {
  return isNexError(error) ? serviceError(error.code, error.message, { cause: error.cause, data: error.data }) : error;
}

/** What a call ends with whose caller has aborted it. */
export function withdrawn(signal: AbortSignal): NexError {
  return new NexError("cancelled", "The call was withdrawn.", { cause: signal.reason });
}
