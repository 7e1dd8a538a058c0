/** Starts QEMU machines as a node does, one at a time, and says when each stage of their start was reached. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type MachineStages, measureMachineStart } from "@nex/node";
import { agentPrograms, REPOSITORY } from "@nex/testing";
import { descendantsOf, memoryUse } from "./process-figures.ts";
import { serveCommands } from "./serve-commands.ts";

const [directory = ""] = process.argv.slice(2);
const programs = { node: process.execPath, ...agentPrograms() };
const image_directory = join(REPOSITORY, ".tools", "machine-image");

export interface MeasuredStart extends MachineStages {
  /** Proportional set size of everything that belongs to the machine, MB. */
  readonly memory: number;
}

const commands = {
  start: async (saved_state: boolean): Promise<MeasuredStart> => {
    const runtime = join(directory, "run");
    await mkdir(runtime, { recursive: true, mode: 0o711 });
    let memory = 0;
    const stages = await measureMachineStart({
      programs,
      directory: runtime,
      config: { image_directory, cache_directory: directory, qemu: { saved_state } },
      whileUp: () => {
        memory = descendantsOf(process.pid).reduce((sum, pid) => sum + memoryUse(pid).proportional, 0);
      },
    });
    return { ...stages, memory };
  },
};
export type MachineCommands = typeof commands;

serveCommands(commands, async () => undefined);
