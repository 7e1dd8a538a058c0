import { NexError } from "@nex/protocol";
import { HeaderMap, type HeadersInput } from "./headers.ts";

/**
 * Any value: bytes (`Uint8Array` or another view, `ArrayBuffer`) and strings go out as they are, `undefined` as
 * no bytes, anything else as JSON.
 */
export type ReplyPayload = unknown;

export interface ReplyOptions {
  /** Headers of the reply; a list sends the header once for each value. */
  readonly headers?: HeadersInput;
}

/** A reply with headers, made by `ctx.reply`. */
export class Reply {
  readonly payload: unknown;
  readonly headers: HeaderMap;

  /** @throws NexError `function_failed` for a header that NATS cannot carry */
  constructor(payload: unknown, options: ReplyOptions = {}) {
    this.payload = payload;
    this.headers = options.headers === undefined ? HeaderMap.empty : HeaderMap.from(options.headers);
  }
}

/** A reply ready for the wire. */
export interface EncodedReply {
  readonly payload: Uint8Array;
  /** Absent when the reply has none. */
  readonly headers?: HeaderMap;
}

const EMPTY = new Uint8Array(0);

/**
 * Turns what a handler returned into bytes and headers.
 *
 * @param lastMade the last `ctx.reply` of the invocation; it counts when the handler returned `undefined`
 * @throws NexError `function_failed` if the value has no JSON form
 */
export function encodeReply(returned: unknown, lastMade?: Reply): EncodedReply {
  const value = returned === undefined ? lastMade : returned;
  if (!(value instanceof Reply)) return { payload: encodePayload(value) };
  const payload = encodePayload(value.payload);
  return value.headers.size === 0 ? { payload } : { payload, headers: value.headers };
}

/**
 * One value as bytes, by the rules of {@link ReplyPayload}. Byte arrays of any realm are taken over, not copied.
 *
 * @throws NexError `function_failed` if the value has no JSON form
 */
export function encodePayload(value: unknown): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value === undefined) return EMPTY;
  if (typeof value === "object" && value !== null) {
    if (ArrayBuffer.isView(value)) return viewOf(value);
    if (isArrayBuffer(value)) return new Uint8Array(value);
    if (typeof (value as { then?: unknown }).then === "function") {
      throw noJsonForm("it is a promise; await it before it goes into a reply");
    }
  }
  return Buffer.from(stringify(value), "utf8");
}

function viewOf(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** By tag, because `instanceof` fails for buffers made in another realm (`node:vm`). */
function isArrayBuffer(value: object): value is ArrayBufferLike {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

function stringify(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value) as string | undefined;
  } catch (thrown) {
    // V8 draws the path of a cycle in further lines; the first one says what is wrong.
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw noJsonForm(message.split("\n", 1)[0] ?? message, thrown);
  }
  if (json === undefined) throw noJsonForm(`JSON has no form for a ${typeof value}`);
  return json;
}

function noJsonForm(why: string, cause?: unknown): NexError {
  return new NexError(
    "function_failed",
    `The function's reply cannot be sent: ${why}. Return a string, bytes, or data that JSON can hold.`,
    cause === undefined ? {} : { cause },
  );
}
