/** A Nex node as the only thing in its process. Bundled before it runs, as the released program is. */
import { NexNode, type NexNodeOptions, weighPayloadsWithTheHeap } from "@nex/node";
import { serveCommands } from "./processes/serve-commands.ts";

/** Given to the process as its one argument, in JSON. */
export type NodeProcessOptions = Pick<NexNodeOptions, "nats" | "programs" | "config" | "nexusKey">;

weighPayloadsWithTheHeap();
const node = await NexNode.start({
  ...(JSON.parse(process.argv[2] ?? "{}") as NodeProcessOptions),
  onFatal: (error) => process.stderr.write(`bench: the node failed: ${error.message}\n`),
});

const commands = { id: (): string => node.id };
export type NodeCommands = typeof commands;

serveCommands(commands, async () => await node.close());
