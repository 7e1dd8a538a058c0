import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf, waitFor } from "@nex/testing";
import { cpuSeconds, descendantsOf, hasProcessFigures } from "./process-figures.ts";

/** Whoever has used no CPU for this long waits for something from outside, ms. */
const REST_MS = 100;

/** Where processes cannot be looked at: long enough for sandboxes to start on any machine in use, ms. */
const BLIND_WAIT_MS = 2000;

/**
 * Resolves when the node with this `pid` has `count` agents, each with its runner, and none of them does anything.
 * Looks from outside, so it knows no more of a node than the operating system does.
 */
export async function whenSandboxesRest(pid: number, count: number): Promise<void> {
  if (!hasProcessFigures) {
    await sleep(BLIND_WAIT_MS);
    return;
  }
  await waitFor(async () => areComplete(pid, count) && (await areAtRest(pid)), {
    message: `${count} agents, each with a runner, that rest`,
    timeoutMs: 30_000,
  });
}

function areComplete(pid: number, count: number): boolean {
  const agents = descendantsOf(pid).filter(isAgent);
  return agents.length === count && agents.every((agent) => childrenOf(agent).length === 1);
}

/** However deep in a sandbox: the Node with the small heap of an agent, itself and not what is still to become it. */
function isAgent(pid: number): boolean {
  try {
    return /^\/proc\/self\/fd\/\d+\0--max-old-space-size=/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
  } catch {
    return false;
  }
}

async function areAtRest(pid: number): Promise<boolean> {
  const all = [pid, ...descendantsOf(pid)];
  const before = cpuSeconds(all);
  await sleep(REST_MS);
  return cpuSeconds(all) === before;
}
