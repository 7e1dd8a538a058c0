import { encodeMessage, type EnvelopeType, failureEnvelope, NexError } from "@nex/protocol";

/** Characters of a message that are kept: what a function throws, and what a request names, may be of any length. */
const MAX_MESSAGE_LENGTH = 4096;
const MAX_DETAILS_BYTES = 16 * 1024;

/** The error as it may be told: cut where it is too long for a reply or an event. Never throws. */
export function tellable(error: NexError): NexError {
  const { code, message, data, cause } = error;
  const cut = message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
  return new NexError(code, cut, { cause, ...(isShort(data) ? { data } : {}) });
}

/** A refusal that fits every reply. */
export function encodeRefusal(type: EnvelopeType, error: NexError): Uint8Array {
  return encodeMessage(failureEnvelope(type, tellable(error)));
}

function isShort(data: NexError["data"]): boolean {
  try {
    return JSON.stringify(data).length <= MAX_DETAILS_BYTES;
  } catch {
    return false;
  }
}
