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
