/** A node's machine in a process of its own, to be killed. Says the names of machine and jails once it runs. */
import { machineName } from "../../../../src/sandboxes/firecracker/machine-name.ts";
import { StandIn, TestOrder } from "./stand-in.ts";

const standIn = await StandIn.make();
await standIn.driver.start(new TestOrder("k"));
process.stdout.write(`${JSON.stringify({ name: machineName("k"), jails: standIn.jails })}\n`);
setInterval(() => undefined, 1000);
