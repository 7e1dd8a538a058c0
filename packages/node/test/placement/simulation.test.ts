import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "./simulation/simulation.ts";

/** `NEX_SEED` runs one and prints what happened; `NEX_SEEDS` changes how many are run. */
const ONE = process.env["NEX_SEED"];
const SEEDS = Number(process.env["NEX_SEEDS"] ?? 10_000);

test("the reconciler brings a fleet to what its records say, whatever happens on the way", () => {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(ONE)];
  for (const seed of seeds) {
    const { faults, trace } = new Simulation(seed).run();
    if (ONE !== undefined) process.stdout.write(`${trace.join("\n")}\n`);
    assert.deepEqual(faults, [], `seed ${seed}: run it again with NEX_SEED=${seed}\n${trace.slice(-60).join("\n")}`);
  }
});
