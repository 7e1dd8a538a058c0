import assert from "node:assert/strict";
import { isNexError, type NexErrorCode } from "../src/index.ts";

/** Expects `act` to throw a NexError with this code, and a text that matches. */
export function throwsCode(code: NexErrorCode, act: () => unknown, text: RegExp = /./): void {
  assert.throws(act, (error) => {
    assert.ok(isNexError(error), `not a NexError: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  });
}

/** Runs `act` on junk: it may return or throw a NexError, and nothing else. Returns whether it returned. */
export function onlyNexErrors(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (isNexError(error)) return false;
    throw error;
  }
}
