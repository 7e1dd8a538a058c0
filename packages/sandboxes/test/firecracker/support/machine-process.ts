/** A node's machine in a process of its own, to be killed. Says where its machine is once that runs. */
import { machineName } from "../../../src/firecracker/machine-name.ts";
import { StandIn, TestOrder } from "./stand-in.ts";

const standIn = await StandIn.make();
await standIn.driver.start(new TestOrder("k"));
const { jails, directory } = standIn;
process.stdout.write(`${JSON.stringify({ name: machineName("k"), jails, directory })}\n`);
setInterval(() => undefined, 1000);
