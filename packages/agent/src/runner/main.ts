import { Socket } from "node:net";
import { Link } from "@nex/link";
import { Runner } from "./runner.ts";

/** Inherited from the agent; the numbers are those of `RunnerDescriptor`. */
const nodeLink: Link = new Link(new Socket({ fd: 3, readable: true, writable: true }), { maxBody: 64 * 1024 * 1024 });
const agentLink: Link = new Link(new Socket({ fd: 4, readable: true, writable: true }));
const runner: Runner = new Runner(nodeLink, agentLink);

// Without its node or its agent a runner has nothing to do.
void nodeLink.closed.then(() => process.exit(0));
void agentLink.closed.then(() => process.exit(0));

process.on("uncaughtException", (error) => {
  runner.reportFault(error);
  // After an exception nobody caught the module's state is unknown; a fresh runner takes over.
  process.exit(70);
});
process.on("unhandledRejection", (reason) => runner.reportFault(reason));
process.on("SIGTERM", () => process.exit(0));
process.on("exit", (code) => runner.leave(code));
