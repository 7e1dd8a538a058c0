import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { buildC } from "@nex/testing";
import type { Msg } from "@nats-io/transport-node";
import { functionPlan } from "../support/plan.ts";
import { TestSystem } from "../support/system.ts";

/** Loops, sleeps or echoes, as its payload says. */
const PROGRAM = `
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char payload[16] = {0};
  fgets(payload, sizeof payload, stdin);
  if (!strcmp(payload, "loop")) for (volatile int i = 0;; i++) { }
  if (!strcmp(payload, "nap")) sleep(3600);
  fputs(payload, stdout);
  return 0;
}`;

const DEADLINE_MS = 500;

async function deployProgram(system: TestSystem): Promise<void> {
  const module = await buildC(PROGRAM);
  const artifact = { sha256: createHash("sha256").update(module).digest("hex"), size: module.length };
  await system.deployPlan(
    { ...functionPlan("", { kind: "wasm", deadlineMs: DEADLINE_MS, memoryBytes: 4 * 1024 * 1024 }), artifact },
    module,
  );
}

const errorCode = (reply: Msg): string => reply.json<{ error: { code: string } }>().error.code;

describe("A WebAssembly function that does not end", () => {
  for (const what of ["loop", "nap"]) {
    it(`is ended at its deadline, and the next message served by a fresh runner (${what})`, async () => {
      await using system = await TestSystem.start();
      await deployProgram(system);
      assert.equal((await system.request("fn", "before")).string(), "before");
      const began = performance.now();
      const reply = await system.request("fn", what);
      const took = performance.now() - began;
      assert.equal(errorCode(reply), "deadline_exceeded");
      assert.ok(took >= DEADLINE_MS && took < DEADLINE_MS * 4, `it took ${took} ms`);
      // Whoever comes while the runner is replaced waits, and may meet the deadline on a busy machine.
      let answer = await system.request("fn", "after");
      while (answer.headers !== undefined && errorCode(answer) === "deadline_exceeded")
        answer = await system.request("fn", "after");
      assert.equal(answer.string(), "after");
    });
  }
});
