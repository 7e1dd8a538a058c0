import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AGENT_TRANSITIONS, AgentLife, type AgentState } from "../../src/life/state.ts";

const STATES = Object.keys(AGENT_TRANSITIONS) as AgentState[];

/** All states that can follow, over any number of steps. */
function reachable(from: AgentState): Set<AgentState> {
  const found = new Set<AgentState>();
  const visit = (state: AgentState): void => {
    for (const next of AGENT_TRANSITIONS[state]) {
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(from);
  return found;
}

describe("The life of an agent", () => {
  it("can reach every state from its start, and its end from every state", () => {
    assert.deepEqual(reachable("starting"), new Set(STATES.filter((state) => state !== "starting")));
    for (const state of STATES) assert.ok(state === "gone" || reachable(state).has("gone"), state);
  });

  it("never goes back: no state can be reached from itself, so it runs one workload", () => {
    for (const state of STATES) assert.equal(reachable(state).has(state), false, state);
  });

  it("ends in one state only", () => {
    assert.deepEqual(
      STATES.filter((state) => AGENT_TRANSITIONS[state].length === 0),
      ["gone"],
    );
  });

  it("can be stopped from every state but the last two", () => {
    for (const state of STATES)
      assert.equal(AGENT_TRANSITIONS[state].includes("stopping"), !["stopping", "gone"].includes(state), state);
  });

  it("refuses every step the table does not have", () => {
    for (const next of STATES.filter((state) => !AGENT_TRANSITIONS.starting.includes(state))) {
      const life = new AgentLife();
      assert.throws(() => life.enter(next), { code: "internal", data: { from: "starting", to: next } });
      assert.equal(life.state, "starting");
    }
  });

  it("begins to stop once", () => {
    const life = new AgentLife();
    assert.equal(life.beginStopping(), true);
    assert.equal(life.beginStopping(), false);
    life.enter("gone");
    assert.equal(life.beginStopping(), false);
  });
});
