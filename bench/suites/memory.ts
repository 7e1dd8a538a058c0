import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf } from "@nex/testing";
import { type Figure, figure } from "../figures/figure.ts";
import { hasProcessFigures, memoryUse } from "../processes/process-figures.ts";
import { deployEcho } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const TARGET_MB = 60;
/** For the garbage of the deploy or the load to be collected, if it will be, ms. */
const REST_MS = 1000;
/** One after the other. Of the second one V8 leaves garbage lying, so that it says little about what is needed. */
const LOADS = [
  { key: "small", title: "after 128 B", payloadBytes: 128, durationMs: 3000, target: TARGET_MB },
  { key: "large", title: "after 16 KiB", payloadBytes: 16 * 1024, durationMs: 2000, target: undefined },
];
const IN_FLIGHT = 64;

export const memory: Suite = {
  name: "memory",
  title: `proportional set size, idle and after loads of ${IN_FLIGHT} requests in flight`,
  unavailable: () => (hasProcessFigures ? undefined : "only Linux tells a process's proportional set size"),
  async run({ environment, progress }) {
    await using system = await environment.startSystem({ poolSize: 1, ownNodeProgram: true });
    // The one that is warm is the one that gets the function.
    const agent = onlyChild(system.pid, "node");
    const pids = { node: system.pid, agent, runner: onlyChild(agent, "agent") };
    const subject = await deployEcho(system);
    const look = async (key: string, title: string, target: number | undefined): Promise<Figure[]> => {
      progress(title);
      await sleep(REST_MS);
      return figuresAt(key, title, target, pids);
    };
    const figures = await look("idle", "idle", TARGET_MB);
    for (const { key, title, payloadBytes, durationMs, target } of LOADS) {
      progress(`${payloadBytes} B under load`);
      await environment.load.run("saturate", { subject, payloadBytes, durationMs, inFlight: IN_FLIGHT });
      figures.push(...(await look(key, title, target)));
    }
    return figures;
  },
};

function figuresAt(
  moment: string,
  title: string,
  target: number | undefined,
  pids: Readonly<Record<"node" | "agent" | "runner", number>>,
): Figure[] {
  const meaning = { unit: "MB", better: "lower" } as const;
  const [node, agent, runner] = [memoryUse(pids.node), memoryUse(pids.agent), memoryUse(pids.runner)];
  const one = (key: string, what: string, megabytes: number): Figure =>
    figure({ ...meaning, key: `${key}_${moment}`, title: what }, [megabytes]);
  const together = { ...meaning, key: `pair_${moment}`, title: "  agent + runner" };
  return [
    one("node", `${title}: node`, node.proportional),
    one("agent", "  agent", agent.proportional),
    one("runner", "  runner", runner.proportional),
    figure(target === undefined ? together : { ...together, target }, [agent.proportional + runner.proportional]),
    one("pair_unshared", "  of that unshared", agent.unique + runner.unique),
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
