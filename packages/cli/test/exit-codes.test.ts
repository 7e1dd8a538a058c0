import assert from "node:assert/strict";
import { test } from "node:test";
import { NexError } from "@nex/protocol";
import { exitCodeOf, signalExitCode } from "../src/exit-codes.ts";

test("errors exit as the catalogue says, everything else with 1", () => {
  assert.equal(exitCodeOf(new NexError("usage", "")), 2);
  assert.equal(exitCodeOf(new NexError("workload_not_found", "")), 3);
  assert.equal(exitCodeOf(new NexError("connection_failed", "")), 4);
  assert.equal(exitCodeOf(new NexError("authentication_failed", "")), 5);
  assert.equal(exitCodeOf(new NexError("internal", "")), 1);
  assert.equal(exitCodeOf("thrown"), 1);
});

test("signals exit with 128 and their number", () => {
  assert.deepEqual((["SIGHUP", "SIGINT", "SIGTERM"] as const).map(signalExitCode), [129, 130, 143]);
});
