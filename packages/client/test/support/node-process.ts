/** A node in a process of its own, to be killed; its arguments are the NATS server's URL and a directory. */
import { NexNode } from "@nex/node";
import { agentPrograms } from "@nex/testing";

const [servers = "", directory = ""] = process.argv.slice(2);
const node = await NexNode.start({
  nats: { connect: { servers } },
  programs: { node: process.execPath, ...agentPrograms() },
  config: { sandbox: "process", runtime_directory: `${directory}/run`, cache_directory: `${directory}/cache` },
});
process.stdout.write(`${node.id}\n`);
