/** Starts QEMU machines as a node does, one at a time, and says when each stage of their start was reached. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { agentPrograms, REPOSITORY } from "@nex/testing";
import { completeNodeOptions } from "../../packages/node/src/config/node-config.ts";
import { createQemuDriver } from "../../packages/node/src/sandboxes/qemu/qemu-driver.ts";
import { sandboxConfig } from "../../packages/node/src/sandboxes/sandbox-config.ts";
import { AgentSession } from "../../packages/node/src/supervisor/agent-session.ts";
import { memoryUse, descendantsOf } from "./process-figures.ts";
import { serveCommands } from "./serve-commands.ts";

const [directory = ""] = process.argv.slice(2);
const programs = { node: process.execPath, ...agentPrograms() };

/** From the order, ms. */
export interface MachineStages {
  /** The kernel has started the initramfs's first program. Of a machine that is resumed there is none. */
  readonly init?: number;
  /** The agent has dialled its link; its hello is on the way. */
  readonly link: number;
  /** The agent has a runner ready. */
  readonly ready: number;
  /** Proportional set size of everything that belongs to the machine, MB. */
  readonly memory: number;
}

const drivers = new Map(
  [true, false].map((saved_state) => {
    const image_directory = join(REPOSITORY, ".tools", "machine-image");
    const config = completeNodeOptions({ image_directory, cache_directory: directory, qemu: { saved_state } });
    // A kernel that is to be resumed says nothing; one that boots tells how far it is.
    const tuning = saved_state ? {} : { bootArguments: ["loglevel=7"] };
    return [
      saved_state,
      createQemuDriver(
        sandboxConfig(config, {}, () => undefined),
        tuning,
      ),
    ] as const;
  }),
);

const commands = {
  start: async (saved: boolean): Promise<MachineStages> => {
    const driver = drivers.get(saved)!;
    const reason = await driver.unavailable();
    if (reason !== undefined) throw new Error(reason);
    const before = performance.now();
    let init: number | undefined;
    let link = Number.NaN;
    const watched: typeof driver = {
      ...driver,
      patience: driver.patience,
      start: async (order) =>
        await driver.start({
          ...order,
          onOutput: (line) => {
            if (/Run \/init as init process/.test(line)) init ??= performance.now() - before;
            order.onOutput(line);
          },
          onConnection: (socket) => {
            if (Number.isNaN(link)) link = performance.now() - before;
            order.onConnection(socket);
          },
        }),
    };
    const runtime = join(directory, "run");
    await mkdir(runtime, { recursive: true, mode: 0o711 });
    const options = { driver: watched, programs, directory: runtime, maxPayload: 1024 * 1024 };
    const session = await AgentSession.start(options, new AbortController().signal);
    const ready = performance.now() - before;
    const memory = descendantsOf(process.pid).reduce((sum, pid) => sum + memoryUse(pid).proportional, 0);
    await session.destroy(1000);
    return { ...(init === undefined ? {} : { init }), link, ready, memory };
  },
};
export type MachineCommands = typeof commands;

serveCommands(commands, async () => {
  for (const driver of drivers.values()) await driver.close?.();
});
