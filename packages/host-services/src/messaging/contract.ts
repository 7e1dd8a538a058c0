/** Messaging on the wire. Headers and payload are the message's. */
export const MESSAGING_CODE = 2;

export const MessagingMethod = {
  /** subject, reply subject or empty → nothing */
  publish: 1,
  /** subject, time in ms or empty → the answer's subject, headers and payload */
  request: 2,
  /** subject, time in ms, count or empty, quiet time in ms or empty; body: answers, each behind its length (u32) */
  requestMany: 3,
} as const;

/** Longest wait for answers, ms. */
export const MAX_WAIT_MS = 600_000;

/** Most answers of one `requestMany`. */
export const MAX_ANSWERS = 10_000;
