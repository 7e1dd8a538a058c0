import { serviceError } from "@nex/functions/internal";
import { isNexError } from "@nex/protocol";

/**
 * The same error with the stack of whoever waits: the function's own lines. It was made where the answer came in, or
 * for all calls of a link that has closed.
 */
export function thrownHere(error: unknown): unknown {
  return isNexError(error) ? serviceError(error.code, error.message, { cause: error.cause, data: error.data }) : error;
}
