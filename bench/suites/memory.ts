import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf } from "@nex/testing";
import { type Figure, figure } from "../figures/figure.ts";
import { hasProcessFigures, type MemoryUse, memoryUse } from "../processes/process-figures.ts";
import { deployEcho } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const TARGET_MB = 60;
/** For the garbage of the deploy or the load to be collected, if it will be, ms. */
const REST_MS = 1000;
const LOAD = [
  { payloadBytes: 128, inFlight: 64, durationMs: 3000 },
  { payloadBytes: 16 * 1024, inFlight: 64, durationMs: 1500 },
];

export const memory: Suite = {
  name: "memory",
  title: "proportional set size, and the unshared part of it",
  unavailable: () => (hasProcessFigures ? undefined : "only Linux tells a process's proportional set size"),
  async run({ environment, progress }) {
    // Without a pool there is exactly one agent with one runner.
    await using system = await environment.startSystem({ poolSize: 0 });
    const subject = await deployEcho(system);
    const agent = onlyChild(system.pid, "node");
    const runner = onlyChild(agent, "agent");
    const look = async (moment: string, key: string): Promise<Figure[]> => {
      progress(moment);
      await sleep(REST_MS);
      return figuresOf(memoryUse(system.pid), memoryUse(agent), memoryUse(runner), moment, key);
    };
    const idle = await look("idle", "idle");
    progress("under load");
    for (const load of LOAD) await environment.load.run("saturate", { subject, ...load });
    return [...idle, ...(await look("after load", "loaded"))];
  },
};

function figuresOf(node: MemoryUse, agent: MemoryUse, runner: MemoryUse, moment: string, key: string): Figure[] {
  const meaning = { unit: "MB", better: "lower" } as const;
  const parts = { node, agent, runner };
  return [
    ...Object.entries(parts).map(([part, { proportional }]) =>
      figure({ ...meaning, key: `${part}_${key}`, title: `${part}, ${moment}` }, [proportional]),
    ),
    figure({ ...meaning, key: `pair_${key}`, title: `agent + runner, ${moment}`, target: TARGET_MB }, [
      agent.proportional + runner.proportional,
    ]),
    figure({ ...meaning, key: `pair_unshared_${key}`, title: "  of that unshared" }, [agent.unique + runner.unique]),
  ];
}

function onlyChild(pid: number, what: string): number {
  const [child, ...others] = childrenOf(pid);
  if (child === undefined || others.length > 0) {
    throw new Error(
      `The ${what} was to have one child process and has ${others.length + (child === undefined ? 0 : 1)}.`,
    );
  }
  return child;
}
