/** A node in a process of its own, to be killed. Says its sandboxes' directory and the functions' runner once it serves. */
import { TestSystem } from "./system.ts";

const system = await TestSystem.start();
await system.deploy("export default () => String(process.pid);");
const runner = Number((await system.request("fn")).string());
await system.whenWarm();
const sandboxes = system.watch.seen.map(({ pid, uid }) => ({ pid, uid }));
process.stdout.write(`${JSON.stringify({ runtime: system.runtime, runner, sandboxes, nats: system.nats.pid })}\n`);
setInterval(() => undefined, 1000);
