import { isNexError, NexError, type NexErrorCode, type NexErrorOptions } from "@nex/protocol";

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

/** Runs a check that a node makes too, and says of its errors that they are a host service's. */
export function asService(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (isNexError(error)) ofServices.add(error);
    throw error;
  }
}

export function isServiceError(error: NexError): boolean {
  return ofServices.has(error);
}
