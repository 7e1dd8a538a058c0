import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkloadDetail } from "@nex/protocol";
import { mergeAll, mergeStates } from "../../src/workloads/merge.ts";

function detail(fields: Partial<WorkloadDetail>): WorkloadDetail {
  return {
    name: "w",
    namespace: "default",
    kind: "javascript",
    revision: 1,
    state: "running",
    triggers: ["w"],
    restarts: 0,
    instances: [{ id: `i${fields.revision ?? 1}`, node_id: "N", state: "running", uptime_ms: 1 }],
    invocations: { ok: 1, failed: 2, in_flight: 3 },
    revisions: [],
    deadline_ms: 5000,
    max_in_flight: 64,
    tags: {},
    description: "",
    ...fields,
  };
}

describe("mergeAll", () => {
  it("makes one of what runs on several nodes, after the highest revision", () => {
    const old = detail({ restarts: 1, state: "restarting", last_error: { code: "function_failed", message: "x" } });
    const young = detail({ revision: 2, triggers: ["w", "w2"], restarts: 2, description: "newer" });
    const [merged, ...others] = mergeAll([old, young]);
    assert.deepEqual(others, []);
    assert.deepEqual(merged, {
      ...young,
      state: "restarting",
      restarts: 3,
      instances: [...old.instances, ...young.instances],
      invocations: { ok: 2, failed: 4, in_flight: 6 },
      last_error: old.last_error,
    });
  });

  it("keeps apart what has different names, and sorts by them", () => {
    assert.deepEqual(
      mergeAll([detail({ name: "b" }), detail({ name: "a" })]).map(({ name }) => name),
      ["a", "b"],
    );
  });
});

describe("mergeStates", () => {
  it("takes the state that deserves attention most; one it does not know only if there is no other", () => {
    assert.equal(mergeStates(["running", "crash_loop"]), "crash_loop");
    assert.equal(mergeStates(["hibernating", "running"]), "running");
    assert.equal(mergeStates(["hibernating"]), "hibernating");
  });
});
