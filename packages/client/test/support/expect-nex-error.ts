import assert from "node:assert/strict";
import { isNexError, type NexError, type NexErrorCode } from "@nex/protocol";

/** The error that `work` fails with, which must have this code. */
export async function expectNexError(code: NexErrorCode, work: Promise<unknown>): Promise<NexError> {
  const error: unknown = await work.then(
    () => assert.fail(`expected the error ${code}, but there was none`),
    (reason: unknown) => reason,
  );
  assert.ok(isNexError(error), `expected a NexError, not ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}
