/**
 * A node's part that starts sandboxes, with few files to open: its argument names the sandbox. Tries to start one with
 * none left, one left and so on, says what came of each, and then starts one with all of them.
 */
import { closeSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { toNexError } from "@nex/protocol";
import { agentPrograms } from "@nex/testing";
import { AgentSession } from "../../src/supervisor/agent-session.ts";
import { makeBubblewrapDriver, makeProcessDriver } from "@nex/testing/sandboxes";

const [sandbox, directory = "", most = "0"] = process.argv.slice(2);
const driver = sandbox === "bubblewrap" ? makeBubblewrapDriver() : makeProcessDriver();
await driver.unavailable();
await mkdir(directory, { recursive: true, mode: 0o711 });
let attempt = 0;
const start = async (): Promise<string> => {
  const options = {
    driver,
    directory,
    programs: { node: process.execPath, ...agentPrograms() },
    maxPayload: 1024 * 1024,
  };
  try {
    attempt++;
    const session = await AgentSession.start(options, AbortSignal.timeout(60_000));
    await session.destroy(1000);
    return "started";
  } catch (error) {
    const { code, message } = toNexError(error);
    return `${code}: ${message}`;
  }
};

const outcomes: string[] = [await start()];
for (let left = 0; left <= Number(most); left++) {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // That was the last one.
  }
  for (let freed = 0; freed < left; freed++) closeSync(taken.pop()!);
  outcomes.push(await start());
  for (const descriptor of taken) closeSync(descriptor);
}
outcomes.push(await start());
process.stdout.write(`${JSON.stringify({ outcomes, attempt })}\n`);
process.exitCode = 0;
