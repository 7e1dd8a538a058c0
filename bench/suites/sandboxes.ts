import { chmod } from "node:fs/promises";
import { temporaryDirectory } from "@nex/testing";
import type { SandboxName } from "@nex/node";
import type { Environment } from "../environment.ts";
import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure, figure } from "../figures/figure.ts";
import { descendantsOf, hasProcessFigures, memoryUse } from "../processes/process-figures.ts";
import { RemoteProcess } from "../processes/remote-process.ts";
import type { SandboxCommands } from "../processes/sandbox-process.ts";
import type { System } from "../system.ts";
import { ECHO_FUNCTION } from "./echo-function.ts";
import type { Suite, SuiteRun } from "./suite.ts";

interface Measured {
  readonly name: SandboxName;
  /** How much longer than the process sandbox it may take to start, ms. */
  readonly startTarget?: number;
  /** How much longer than in the process sandbox a request may take. */
  readonly triggerTarget?: number;
}

/** The first one is what the others are measured by. */
const SANDBOXES: readonly [Measured, ...Measured[]] = [
  { name: "process" },
  { name: "bubblewrap", startTarget: 30, triggerTarget: 1.1 },
];
const [BASE, ...OTHERS] = SANDBOXES;

const STARTS = 15;
const WARM_UP_STARTS = 2;
const ROUNDS = 16;
const SLICE_MS = 300;
const WARM_UP_MS = 1000;
const PAYLOAD_BYTES = 128;

const ms = { unit: "ms", better: "lower" } as const;

export const sandboxes: Suite = {
  name: "sandboxes",
  title: `each sandbox: ${STARTS} starts to the agent's handshake, ${ROUNDS} rounds of ${SLICE_MS} ms of requests, memory at rest`,
  unavailable: () => (hasProcessFigures ? undefined : "only Linux has more than one sandbox"),
  run: async (run) => [...(await starts(run)), ...(await triggersAndMemory(run))],
};

async function starts({ progress }: SuiteRun): Promise<Figure[]> {
  await using directory = await temporaryDirectory("nex-bench-");
  await chmod(directory.path, 0o711);
  const program = `${import.meta.dirname}/../processes/sandbox-process.ts`;
  await using remote = await RemoteProcess.start<SandboxCommands>(program, { args: [directory.path] });
  const start = async ({ name }: Measured): Promise<number> => await remote.run("start", name);
  const times = new Map<string, number[]>(SANDBOXES.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_STARTS; round < STARTS; round++) {
    progress(`starts: round ${Math.max(round + 1, 0)} of ${STARTS}`);
    // There and back, so that a drift of the machine's speed favours none.
    for (const sandbox of round % 2 === 0 ? SANDBOXES : SANDBOXES.toReversed()) {
      const took = await start(sandbox);
      if (round >= 0) times.get(sandbox.name)!.push(took);
    }
  }
  const base = times.get(BASE.name)!;
  return SANDBOXES.flatMap(({ name, startTarget }) => {
    const own = times.get(name)!;
    const all = figure({ ...ms, key: `start_${name}`, title: `start, ${name}` }, own);
    if (startTarget === undefined) return [all];
    const more = own.map((took, round) => took - base[round]!);
    const meaning = { ...ms, key: `start_${name}_more`, title: `  more than ${BASE.name}`, target: startTarget };
    return [all, figure(meaning, more)];
  });
}

async function triggersAndMemory({ environment, progress }: SuiteRun): Promise<Figure[]> {
  const systems = new Map<string, System>();
  const subjectOf = (name: string): string => `bench.sandbox.${name}`;
  const memory: Figure[] = [];
  try {
    for (const { name } of SANDBOXES) {
      progress(`a node with ${name}`);
      const system = await environment.startSystem({ poolSize: 1, sandbox: name });
      systems.set(name, system);
    }
    // Only with all of them there: what processes share is divided among those that there are.
    for (const [name, system] of systems) {
      const all = descendantsOf(system.pid).map((pid) => memoryUse(pid).proportional);
      const total = all.reduce((sum, one) => sum + one, 0);
      memory.push(
        figure({ unit: "MB", better: "lower", key: `memory_${name}`, title: `PSS at rest, ${name}` }, [total]),
      );
    }
    for (const [name, system] of systems) {
      await system.deploy({ name: `echo-${name}`, subject: subjectOf(name), source: ECHO_FUNCTION });
      await system.whenCalm();
    }
    return [...(await triggers(environment, subjectOf, progress)), ...memory];
  } finally {
    for (const system of systems.values()) await system[Symbol.asyncDispose]();
  }
}

async function triggers(
  { load, echo }: Environment,
  subjectOf: (name: string) => string,
  progress: SuiteRun["progress"],
): Promise<Figure[]> {
  const p50 = async (subject: string, durationMs: number): Promise<number> =>
    (await load.run("sequential", { subject, payloadBytes: PAYLOAD_BYTES, durationMs })).p50;
  const compare = async (title: string, reference: string, measured: string) =>
    await alternate({
      rounds: ROUNDS,
      reference: async () => await p50(reference, SLICE_MS),
      measured: async () => await p50(measured, SLICE_MS),
      onRound: (round) => progress(`${title}: round ${round} of ${ROUNDS}`),
    });
  for (const subject of [echo.subject, ...SANDBOXES.map(({ name }) => subjectOf(name))]) await p50(subject, WARM_UP_MS);
  const figures: Figure[] = [];
  for (const { name } of SANDBOXES) {
    const rounds = await compare(`${name} by echo`, echo.subject, subjectOf(name));
    figures.push(comparedFigure({ ...ms, key: `p50_${name}`, title: `p50, 128 B, ${name}` }, rounds));
  }
  for (const { name, triggerTarget } of OTHERS) {
    const rounds = await compare(`${name} by ${BASE.name}`, subjectOf(BASE.name), subjectOf(name));
    const meaning = { ...ms, key: `p50_${name}_by_${BASE.name}`, title: `  ${name} by ${BASE.name}` };
    figures.push(comparedFigure(triggerTarget === undefined ? meaning : { ...meaning, target: triggerTarget }, rounds));
  }
  return figures;
}
