/** Starts sandboxes as a node does, one at a time, and says how long each took until its agent was ready. */
import { createBubblewrapDriver } from "../../packages/node/src/sandboxes/bubblewrap/bubblewrap-driver.ts";
import { createProcessDriver } from "../../packages/node/src/sandboxes/process/process-sandbox.ts";
import type { SandboxConfig, SandboxDriver } from "../../packages/node/src/sandboxes/sandbox.ts";
import { AgentSession } from "../../packages/node/src/supervisor/agent-session.ts";
import { agentPrograms, bubblewrapProgram } from "@nex/testing";
import { serveCommands } from "./serve-commands.ts";

const [directory = ""] = process.argv.slice(2);
const config: SandboxConfig = {
  limits: { memoryBytes: 512 * 2 ** 20, processes: 128 },
  diskBytes: 512 * 2 ** 20,
  shareNetwork: false,
  imageDirectory: "",
  bubblewrap: bubblewrapProgram(),
};

const DRIVERS: Readonly<Record<string, SandboxDriver>> = {
  process: createProcessDriver(),
  bubblewrap: createBubblewrapDriver(config),
};

function driverOf(sandbox: string): SandboxDriver {
  const driver = DRIVERS[sandbox];
  if (driver === undefined) throw new Error(`There is no sandbox "${sandbox}" here.`);
  return driver;
}

const commands = {
  unavailable: async (sandbox: string): Promise<string | undefined> => await driverOf(sandbox).unavailable(),
  /** From the order to the agent's handshake with a runner ready, ms. */
  start: async (sandbox: string): Promise<number> => {
    const programs = { node: process.execPath, ...agentPrograms() };
    const before = performance.now();
    const options = { driver: driverOf(sandbox), programs, directory, maxPayload: 2 ** 20 };
    const session = await AgentSession.start(options, new AbortController().signal);
    const took = performance.now() - before;
    await session.destroy(1000);
    return took;
  },
};
export type SandboxCommands = typeof commands;

serveCommands(commands, async () => undefined);
