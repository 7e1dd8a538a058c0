import { NexError } from "../errors.ts";

const KEY = /^[-/_=.a-zA-Z0-9]+$/;

/** Leaves room for the rest of a subject. */
const MAX_LENGTH = 512;

/** Takes what NATS takes as a key of a key-value bucket. @throws NexError `invalid_key` */
export function checkKey(key: string): void {
  if (key === "" || key.endsWith(".") || !isPrefix(key)) throw badKey(key);
}

/** Takes what a key can begin with; the empty text is the prefix of all. @throws NexError `invalid_key` */
export function checkKeyPrefix(prefix: string): void {
  if (prefix !== "" && !isPrefix(prefix)) throw badKey(prefix);
}

function isPrefix(text: string): boolean {
  return text.length <= MAX_LENGTH && KEY.test(text) && !text.startsWith(".") && !text.includes("..");
}

function badKey(key: string): NexError {
  const shown = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  return new NexError(
    "invalid_key",
    `"${shown}" cannot be a key: use 1 to 512 letters, digits and -_/=. without a dot at either end or two in a row.`,
    { data: { key: shown } },
  );
}
