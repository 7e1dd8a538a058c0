/**
 * A node of a fleet in a process of its own, to be killed, stopped or cut off. Its argument says where and how. Says
 * its id once it serves. SIGTERM gives away what it runs and ends it; SIGINT ends it at once, in order.
 */
import { NexNode } from "../../../src/node.ts";
import { nodeOptions } from "../../control-api/support/running-node.ts";
import type { FleetNodeOrder } from "./test-fleet.ts";

// A machine whose clock is wrong; the timers of a process do not follow it.
const offset = Number(process.env["NEX_TEST_CLOCK_MS"] ?? 0);
const now = Date.now;
Date.now = () => now() + offset;

const { url, directory, state, nexusKey, config } = JSON.parse(process.argv[2]!) as FleetNodeOrder;
const node = await NexNode.start({
  ...nodeOptions(url, directory, { ...config, state_directory: state }),
  nexusKey,
  onWarning: (line) => {
    if (process.env["NEX_TEST_TRACE"] !== undefined) process.stderr.write(`${directory.slice(-1)} ${line}\n`);
  },
  onFatal: (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1); // oxlint-disable-line unicorn/no-process-exit -- as the CLI does
  },
});
let isStopping = false;
const stop = async (drains: boolean): Promise<void> => {
  if (isStopping) return;
  isStopping = true;
  if (drains) await node.drain();
  await node.close();
  process.exit(0); // oxlint-disable-line unicorn/no-process-exit -- its standard input is held open
};
process.on("SIGTERM", () => void stop(true));
process.on("SIGINT", () => void stop(false));
process.stdout.write(`${JSON.stringify({ id: node.id })}\n`);
setInterval(() => undefined, 1000);
