const FIRST_MS = 250;
const MAX_MS = 30_000;

/** Exponential, with half of it random so that many failures at once do not come back at once. */
export function backoffMs(failures: number): number {
  const full = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures, 20));
  return full / 2 + (Math.random() * full) / 2;
}
