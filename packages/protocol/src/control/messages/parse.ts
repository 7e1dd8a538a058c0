import type { z } from "zod";
import { NexError } from "../../errors.ts";
import { describeFaults } from "./faults.ts";

/** How much of a message is looked at before it is refused. */
export interface MessageLimits {
  /** Default 1 MiB, the NATS server's own default for a message. */
  readonly maxBytes?: number;
  /** Objects and lists within each other. Default 32. */
  readonly maxDepth?: number;
}

export const DEFAULT_MESSAGE_LIMITS: Required<MessageLimits> = { maxBytes: 1024 * 1024, maxDepth: 32 };

/** A message or reply as it is sent: JSON in UTF-8. */
export function encodeMessage(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Reads a control message by its schema.
 *
 * @throws NexError `too_large` past `maxBytes`; `invalid_request` for everything else, naming the field
 */
export function parseMessage<T>(schema: z.ZodType<T>, bytes: Uint8Array, limits: MessageLimits = {}): T {
  return checkMessage(schema, parseJson(bytes, limits));
}

/** The schema half of {@link parseMessage}, for a value already out of its JSON. @throws NexError `invalid_request` */
export function checkMessage<T>(schema: z.ZodType<T>, value: unknown, whole?: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { field, text } = describeFaults(parsed.error.issues, value, whole);
  throw new NexError("invalid_request", text, { data: { field } });
}

/**
 * Reads JSON from a stranger. The depth is counted before parsing, so that no reader of the value, ours or a
 * library's, has to recurse deeper than that.
 *
 * @throws NexError `too_large`, `invalid_request`
 */
export function parseJson(bytes: Uint8Array, limits: MessageLimits = {}): unknown {
  const { maxBytes, maxDepth } = { ...DEFAULT_MESSAGE_LIMITS, ...limits };
  if (bytes.length > maxBytes) {
    throw new NexError("too_large", `The message has ${bytes.length} bytes; at most ${maxBytes} are read.`, {
      data: { bytes: bytes.length, max_bytes: maxBytes },
    });
  }
  if (isDeeperThan(bytes, maxDepth)) {
    throw new NexError("invalid_request", `The message nests objects or lists more than ${maxDepth} deep.`, {
      data: { max_depth: maxDepth },
    });
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NexError("invalid_request", "The message is not UTF-8 text; send JSON.");
  }
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the text, which may hold secrets.
    throw new NexError(
      "invalid_request",
      text === "" ? "The message is empty; send JSON." : "The message is not JSON.",
    );
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Works on bytes: in UTF-8 no byte of a longer character looks like a quote or bracket. */
function isDeeperThan(bytes: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    if (inString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (OPENING.has(byte) && ++depth > maxDepth) return true;
    else if (CLOSING.has(byte)) depth--;
  }
  return false;
}
