import { payloadOf } from "./arguments.ts";
import { serviceError } from "./service-error.ts";

const PIECE = "A piece of the object";

/** What an object is made of, whole or piece by piece. @throws NexError `invalid_request` */
export function objectBody(value: unknown): Uint8Array | AsyncIterable<Uint8Array> {
  if (typeof value !== "object" || value === null) return payloadOf(value, "The object");
  if (value instanceof Blob) return encoded(value.stream());
  if (value instanceof Response || value instanceof Request) {
    if (value.bodyUsed)
      throw serviceError("invalid_request", "The object cannot be stored: its body was read already.");
    return value.body === null ? new Uint8Array(0) : encoded(value.body);
  }
  if (Symbol.asyncIterator in value) return encoded(value as AsyncIterable<unknown>);
  // A generator's. Lists and buffers can be iterated too, but are values of their own.
  if (Symbol.iterator in value && "next" in value) return encoded(value as Iterable<unknown>);
  return payloadOf(value, "The object");
}

async function* encoded(
  pieces: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) yield payloadOf(piece, PIECE);
}
