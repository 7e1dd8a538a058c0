import { runProgram } from "./program.ts";
import { listenForStop } from "./stop-signal.ts";
import { processTerminal } from "./terminal/terminal.ts";

/** The program behind `bin/nex.js`. */
async function main(): Promise<number> {
  using stop = listenForStop();
  return await runProgram(process.argv.slice(2), {
    terminal: processTerminal(),
    cwd: process.cwd(),
    signal: stop.signal,
  });
}

/** What is left of a connection that failed must not keep the shell waiting, ms. */
const LINGER_MS = 200;

process.exitCode = await main();
setTimeout(() => process.exit(), LINGER_MS).unref();
