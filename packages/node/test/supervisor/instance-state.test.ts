import assert from "node:assert/strict";
import { test } from "node:test";
import { isNexError } from "@nex/protocol";
import { INSTANCE_TRANSITIONS, InstanceLife, type InstanceState } from "../../src/supervisor/instance-state.ts";

const STATES = Object.keys(INSTANCE_TRANSITIONS) as InstanceState[];

/** The shortest way to a state, by the table. */
function pathTo(goal: InstanceState): InstanceState[] {
  const paths: InstanceState[][] = [["starting"]];
  for (const path of paths) {
    const last = path.at(-1)!;
    if (last === goal) return path.slice(1);
    for (const next of INSTANCE_TRANSITIONS[last]) if (!path.includes(next)) paths.push([...path, next]);
  }
  throw new Error(`no way to ${goal}`);
}

test("every step of the table is allowed and no other", () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const life = new InstanceLife();
      for (const step of pathTo(from)) life.enter(step);
      if (INSTANCE_TRANSITIONS[from].includes(to)) {
        life.enter(to);
        assert.equal(life.state, to);
      } else {
        assert.throws(
          () => life.enter(to),
          (error) => isNexError(error) && error.code === "internal",
        );
        assert.equal(life.state, from);
      }
    }
  }
});

test("an instance can be stopped from every state but the last", () => {
  for (const from of STATES.filter((state) => state !== "stopping" && state !== "stopped")) {
    assert.ok(INSTANCE_TRANSITIONS[from].includes("stopping"), from);
  }
});
