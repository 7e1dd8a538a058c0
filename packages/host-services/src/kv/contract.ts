/**
 * Key-value on the wire. Arguments and answers are positional; a value is the payload. `get` of a key that is not
 * there is answered without arguments: that is no failure.
 */
export const KV_CODE = 1;

export const KvMethod = {
  /** key → revision; payload: the value */
  get: 1,
  /** key, time to live in ms or empty; payload: the value → revision */
  put: 2,
  /** key, time to live in ms or empty; payload: the value → revision */
  create: 3,
  /** key, expected revision; payload: the value → revision */
  update: 4,
  /** key → nothing */
  delete: 5,
  /** prefix; body: each key with a line feed behind it */
  keys: 6,
} as const;

const KEY = /^[-/_=.a-zA-Z0-9]+$/;

/** Leaves room for the rest of a subject. */
const MAX_KEY_LENGTH = 512;

/** True for what NATS takes as a key. */
export function isKey(key: string): boolean {
  return key.length <= MAX_KEY_LENGTH && isPrefix(key) && key.length > 0 && !key.endsWith(".");
}

/** True for what a key can begin with; the empty text is the prefix of all. */
export function isPrefix(prefix: string): boolean {
  if (prefix === "") return true;
  return prefix.length <= MAX_KEY_LENGTH && KEY.test(prefix) && !prefix.startsWith(".") && !prefix.includes("..");
}
