/** Starts sandboxes as a node does, one at a time, and says how long each took until its agent was ready. */
import { measureSandboxStart, type SandboxName } from "@nex/node";
import { agentPrograms, bubblewrapProgram } from "@nex/testing";
import { serveCommands } from "./serve-commands.ts";

const [directory = ""] = process.argv.slice(2);
const programs = { node: process.execPath, ...agentPrograms(), bubblewrap: bubblewrapProgram() };

const commands = {
  /** From the order to the agent's handshake with a runner ready, ms. */
  start: async (sandbox: SandboxName): Promise<number> =>
    await measureSandboxStart({ programs, directory, config: { sandbox } }),
};
export type SandboxCommands = typeof commands;

serveCommands(commands, async () => undefined);
