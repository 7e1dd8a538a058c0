import { fromErrorJson, NexError, type NexErrorJson } from "@nex/protocol";

/** Largest error that crosses a link, bytes. What a function throws may be of any size; a frame too large would end the link. */
const MAX_ERROR_BYTES = 32 * 1024;

/** Characters kept of a message that is too long: no JSON form of a character takes more than six bytes. */
const KEPT_CHARACTERS = 4096;

/** The body of an error frame: the error as JSON, cut where it is too long. Never throws. */
export function encodeError(error: NexError): Buffer {
  try {
    const body = Buffer.from(JSON.stringify(error));
    if (body.length <= MAX_ERROR_BYTES) return body;
  } catch {
    // Its data have no JSON form; code and message have.
  }
  return Buffer.from(JSON.stringify({ code: error.code, message: cut(String(error.message)) } satisfies NexErrorJson));
}

function cut(message: string): string {
  return message.length > KEPT_CHARACTERS ? `${message.slice(0, KEPT_CHARACTERS)}…` : message;
}

/** Reads the body of an error frame or a goodbye, which a hostile peer makes as large as it can. Never throws. */
export function decodeError(body: Buffer): NexError {
  try {
    const error = fromErrorJson(JSON.parse(body.toString("utf8")));
    return body.length <= MAX_ERROR_BYTES ? error : new NexError(error.code, cut(error.message));
  } catch (cause) {
    return new NexError("link_protocol", "The peer reported an error that is not JSON.", { cause });
  }
}
