import { chmod } from "node:fs/promises";
import { temporaryDirectory } from "@nex/testing";
import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure, figure } from "../figures/figure.ts";
import type { MachineCommands } from "../processes/machine-process.ts";
import { RemoteProcess } from "../processes/remote-process.ts";
import { ECHO_FUNCTION } from "./echo-function.ts";
import type { Suite, SuiteRun } from "./suite.ts";

const BOOTS = 3;
const RESUMES = 7;
const ROUNDS = 8;
const SLICE_MS = 500;
const WARM_UP_MS = 3000;
const PAYLOAD_BYTES = 128;

/** The whole boot may take so many times as long as the kernel alone. */
const BOOT_TARGET = 3;
const RESUME_TARGET_MS = 1500;

const ms = { unit: "ms", better: "lower" } as const;

/** Virtual machines are in a suite of their own: emulated they take ten seconds for each boot. */
export const machines: Suite = {
  name: "machines",
  title: `virtual machines under QEMU: ${BOOTS} boots, ${RESUMES} starts from a saved state, ${ROUNDS} rounds of ${SLICE_MS} ms of requests`,
  unavailable: () =>
    process.platform === "linux" && process.arch === "x64" ? undefined : "QEMU's machines need Linux on x64",
  run: async (run) => [...(await starts(run)), ...(await triggers(run))],
};

async function starts({ progress }: SuiteRun): Promise<Figure[]> {
  await using directory = await temporaryDirectory("nex-bench-");
  await chmod(directory.path, 0o711);
  const program = `${import.meta.dirname}/../processes/machine-process.ts`;
  await using remote = await RemoteProcess.start<MachineCommands>(program, { args: [directory.path] });
  const boots = [];
  for (let round = 1; round <= BOOTS; round++) {
    progress(`boot ${round} of ${BOOTS}`);
    boots.push(await remote.run("start", false));
  }
  progress("saving a machine");
  await remote.run("start", true);
  const resumes = [];
  for (let round = 1; round <= RESUMES; round++) {
    progress(`start ${round} of ${RESUMES} from the saved state`);
    resumes.push(await remote.run("start", true));
  }
  const byKernel = boots.map(({ init, link }) => ({ reference: init ?? Number.NaN, measured: link }));
  return [
    comparedFigure(
      { ...ms, key: "boot_link", title: "boot to the agent's link, by boot to /init", target: BOOT_TARGET },
      byKernel,
    ),
    figure(
      { ...ms, key: "boot_ready", title: "boot to a runner that is ready" },
      boots.map(({ ready }) => ready),
    ),
    figure(
      { ...ms, key: "resume_link", title: "saved state to the agent's link", target: RESUME_TARGET_MS },
      resumes.map(({ link }) => link),
    ),
    figure(
      { ...ms, key: "resume_ready", title: "saved state to a runner that is ready" },
      resumes.map(({ ready }) => ready),
    ),
    figure(
      { unit: "MB", better: "lower", key: "boot_memory", title: "PSS of a machine that has booted" },
      boots.map(({ memory }) => memory),
    ),
    figure(
      { unit: "MB", better: "lower", key: "resume_memory", title: "PSS of a machine from the saved state" },
      resumes.map(({ memory }) => memory),
    ),
  ];
}

async function triggers({ environment, progress }: SuiteRun): Promise<Figure[]> {
  const { load, echo } = environment;
  progress("a node with qemu");
  // Without a pool: a machine that runs is never at rest, and the node would be waited for in vain.
  await using system = await environment.startSystem({ poolSize: 0, sandbox: "qemu" });
  const subject = "bench.machine";
  await system.deploy({ name: "echo-qemu", subject, source: ECHO_FUNCTION });
  const p50 = async (on: string, durationMs: number): Promise<number> =>
    (await load.run("sequential", { subject: on, payloadBytes: PAYLOAD_BYTES, durationMs })).p50;
  for (const on of [echo.subject, subject]) await p50(on, WARM_UP_MS);
  const rounds = await alternate({
    rounds: ROUNDS,
    reference: async () => await p50(echo.subject, SLICE_MS),
    measured: async () => await p50(subject, SLICE_MS),
    onRound: (round) => progress(`requests: round ${round} of ${ROUNDS}`),
  });
  return [comparedFigure({ ...ms, key: "p50", title: "p50, 128 B, qemu" }, rounds)];
}
