import { setTimeout as sleep } from "node:timers/promises";

export interface WaitForOptions {
  /** Default 10,000 ms. */
  readonly timeoutMs?: number;
  /** What was awaited, for the error. */
  readonly message?: string;
}

/**
 * Polls `condition` until it gives something truthy, and returns that. What it throws on the way counts as
 * "not yet"; the last such error is the cause of the one thrown when time is up.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, message = "the condition" }: WaitForOptions = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) throw new Error(`Waited ${timeoutMs} ms in vain for ${message}.`, { cause });
    await sleep(pause);
  }
}
