/**
 * A node in a process of its own that runs a function and the attacking service. Its arguments: the sandbox, and the
 * attacker's program. Says, once both run, what the service found open in itself,
 * and which process is the NATS server of the test, which inherits everything.
 */
import { readFile } from "node:fs/promises";
import { attack, outcomeOf } from "./attacker.ts";
import { makeBubblewrapDriver, makeProcessDriver } from "@nex/testing/sandboxes";
import { makeQemuDriver } from "./qemu.ts";
import { TestSystem } from "./system.ts";

const DRIVERS = { process: makeProcessDriver, bubblewrap: makeBubblewrapDriver, qemu: makeQemuDriver };

const [sandbox, attacker] = process.argv.slice(2);
const system = await TestSystem.start({ driver: DRIVERS[sandbox as keyof typeof DRIVERS]() });
await system.deploy("export default () => 'here';");
await system.request("fn");
await system.deploy(await readFile(attacker!), attack("descriptors"));
const service = await outcomeOf(system, "descriptors");
await system.whenWarm();
process.stdout.write(`${JSON.stringify({ service, nats: system.nats.pid })}\n`);
