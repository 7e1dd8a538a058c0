/**
 * A node in a process of its own, to be killed; its argument names the sandbox. Says its sandboxes' directory and
 * the functions' runner once it serves.
 */
import { processes } from "@nex/testing";
import { makeBubblewrapDriver, makeProcessDriver } from "@nex/testing/sandboxes";
import { TestSystem } from "./system.ts";

const makeDriver = process.argv[2] === "bubblewrap" ? makeBubblewrapDriver : makeProcessDriver;
const system = await TestSystem.start({ driver: makeDriver() });
const { instances } = await system.deploy("export default () => String(process.pid);");
await system.request("fn");
// The number it has itself may be one of a namespace of its own.
const agent = system.watch.find(instances[0]!.id).pid;
const runner = processes().find(({ parent }) => parent === agent)?.pid ?? 0;
await system.whenWarm();
const sandboxes = system.watch.seen.map(({ pid, uid }) => ({ pid, uid }));
process.stdout.write(`${JSON.stringify({ runtime: system.runtime, runner, sandboxes, nats: system.nats.pid })}\n`);
setInterval(() => undefined, 1000);
