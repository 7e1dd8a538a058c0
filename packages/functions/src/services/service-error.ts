import { NexError, type NexErrorCode, type NexErrorOptions } from "@nex/protocol";

const ofServices = new WeakSet<NexError>();

/**
 * An error of a host service's. Its code speaks to the function that made the call: where that does not catch it, the
 * function has failed, and whoever triggered it must not take `no_responders` or `invalid_key` for their own affair.
 */
export function serviceError(code: NexErrorCode, message: string, options?: NexErrorOptions): NexError {
  const error = new NexError(code, message, options);
  ofServices.add(error);
  return error;
}

export function isServiceError(error: NexError): boolean {
  return ofServices.has(error);
}
