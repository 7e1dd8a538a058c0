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

/** Why a value cannot be sent; its message is the end of a sentence. Whoever encodes knows what the value is. */
export class NoPayload extends Error {}

/**
 * Turns what a handler returned into bytes and headers.
 *
 * @param lastMade the last `ctx.reply` of the invocation; it counts when the handler returned `undefined`
 * @throws NexError `function_failed` if the value has no JSON form
 */
export function encodeReply(returned: unknown, lastMade?: Reply): EncodedReply {
  const value = returned === undefined ? lastMade : returned;
  if (!(value instanceof Reply)) return { payload: replyPayload(value) };
  const payload = replyPayload(value.payload);
  return value.headers.size === 0 ? { payload } : { payload, headers: value.headers };
}

function replyPayload(value: unknown): Uint8Array {
  try {
    return encodePayload(value);
  } catch (error) {
    if (!(error instanceof NoPayload)) throw error;
    throw new NexError(
      "function_failed",
      `The function's reply cannot be sent: ${error.message}. Return a string, bytes, or data that JSON can hold.`,
      { cause: error.cause ?? error },
    );
  }
}

/** Of the web's own, which have bytes that have to be waited for; JSON would make `{}` of them. */
const UNREAD = new Set(["Blob", "File", "Response", "Request", "ReadableStream", "FormData"]);

/**
 * One value as bytes, by the rules of {@link ReplyPayload}. Byte arrays of any realm are taken over, not copied.
 *
 * @throws NoPayload if the value has no JSON form
 */
export function encodePayload(value: unknown): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value === undefined) return EMPTY;
  if (typeof value === "object" && value !== null) {
    if (ArrayBuffer.isView(value)) return viewOf(value);
    if (isArrayBuffer(value)) return new Uint8Array(value);
    if (typeof (value as { then?: unknown }).then === "function")
      throw new NoPayload("it is a promise; await it first");
    const tag = tagOf(value);
    if (UNREAD.has(tag) && !("toJSON" in value)) throw new NoPayload(`it is a ${tag}; read it first`);
  }
  return Buffer.from(stringify(value), "utf8");
}

function viewOf(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** By tag, because `instanceof` fails for buffers made in another realm (`node:vm`). */
function isArrayBuffer(value: object): value is ArrayBufferLike {
  const tag = tagOf(value);
  return tag === "ArrayBuffer" || tag === "SharedArrayBuffer";
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function stringify(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value) as string | undefined;
  } catch (thrown) {
    // V8 draws the path of a cycle in further lines; the first one says what is wrong.
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new NoPayload(message.split("\n", 1)[0] ?? message, { cause: thrown });
  }
  if (json === undefined) throw new NoPayload(`JSON has no form for a ${typeof value}`);
  return json;
}
