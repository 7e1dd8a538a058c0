import { type Command, defineCommand } from "../command.ts";
import { withClient } from "../session.ts";

/** `nex node ls` */
export const command: Command = defineCommand({
  async run(ctx) {
    const { print } = ctx;
    const nodes = await withClient(ctx, {}, async (nex) => await nex.nodes.list());
    if (print.isJson) return print.json(nodes);
    if (nodes.length === 0) return print.note('No nodes answered. Start one with "nex up".');
    print.table(nodes, [
      { title: "NODE", value: (node) => node.node_id },
      { title: "NEXUS", value: (node) => node.nexus ?? "" },
      { title: "SANDBOX", value: (node) => node.tags?.["nex.sandbox"] ?? "" },
      { title: "INSTANCES", value: (node) => node.running_machines, align: "right" },
      { title: "UPTIME", value: (node) => node.uptime },
      { title: "VERSION", value: (node) => node.version },
      { title: "STATE", value: (node) => (node.tags?.["nex.lameduck"] === "true" ? "lame duck" : "ready") },
    ]);
  },
});
