import type { Msg } from "@nats-io/transport-node";
import type { ServiceReply } from "../host/service.ts";

/** How the headers of a message begin that has no status: the line that gives the protocol, then the first header. */
const NO_STATUS = "NATS/1.0\r\n";

/** Behind whatever headers the message was stored with, so the last one is the server's. */
const SEQUENCE = "\r\nNats-Sequence: ";
const OPERATION = "\r\nKV-Operation:";

/**
 * The reply to a read that found a value; `undefined` where the server's answer says anything else, or does not look
 * as expected: then its headers tell.
 *
 * nats.js reads all headers or none, checks each as if it were to be sent, and takes longer for that than the whole
 * rest of an answer. Its messages keep headers and data in one piece of memory and know how many bytes both have,
 * though their interface does not say so.
 */
export function replyWithValue(answer: Msg & { size?: () => number }): ServiceReply | undefined {
  const { data } = answer;
  const length = (answer.size?.() ?? 0) - Buffer.byteLength(answer.subject) - data.length;
  const start = data.byteOffset - length;
  if (length <= 0 || start < 0) return undefined;
  const headers = Buffer.from(data.buffer, start, length).toString("latin1");
  if (!headers.startsWith(NO_STATUS) || !headers.endsWith("\r\n\r\n") || headers.includes(OPERATION)) return undefined;
  const found = headers.lastIndexOf(SEQUENCE);
  if (found === -1) return undefined;
  const sequence = headers.slice(found + SEQUENCE.length, headers.indexOf("\r\n", found + 2));
  return /^[0-9]+$/.test(sequence) ? { args: [sequence], payload: data } : undefined;
}
