import { type Figure, figure } from "../figures/figure.ts";
import type { Suite } from "./suite.ts";

const DEADLINE_MS = 250;
const TARGET_MS = 50;

/** Fewer than the invocations that may hang before their runner is replaced. */
const AT_ONCE = 20;
const ROUNDS = 3;

/** A runner that is killed takes as long to come back as a cold start; each of these has its own. */
const BLOCKED = 5;

export const deadline: Suite = {
  name: "deadline",
  title: `how long after a deadline of ${DEADLINE_MS} ms its caller is told`,
  async run({ environment, progress }) {
    const { load } = environment;
    await using system = await environment.startSystem({ poolSize: 1 });
    const meaning = { unit: "ms", better: "lower", target: TARGET_MS } as const;
    const figures: Figure[] = [];

    progress("functions that never answer");
    const hang = "export default () => new Promise(() => undefined);\n";
    await system.deploy({ name: "hang", subject: "bench.hang", source: hang, deadlineMs: DEADLINE_MS });
    await system.whenCalm();
    const hanging: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      hanging.push(...(await load.run("answers", { subject: "bench.hang", count: AT_ONCE })));
    }
    const late = (took: readonly number[]): number[] => took.map((ms) => ms - DEADLINE_MS);
    figures.push(
      figure({ ...meaning, key: "hanging", title: `the function waits, ${AT_ONCE} callers at once` }, late(hanging)),
    );

    progress("functions that block");
    const block = "export default () => { for (;;); };\n";
    await system.deploy({ name: "block", subject: "bench.block", source: block, deadlineMs: DEADLINE_MS });
    await system.whenCalm();
    const blocking: number[] = [];
    for (let round = 0; round < BLOCKED; round++) {
      blocking.push(...(await load.run("answers", { subject: "bench.block", count: 1 })));
      await system.whenCalm();
    }
    figures.push(figure({ ...meaning, key: "blocking", title: "the function blocks its runner" }, late(blocking)));
    return figures;
  },
};
