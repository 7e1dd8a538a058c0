import { type Command, defineCommand } from "../command.ts";
import { required, text } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex workload stop`, `nex stop` */
export const command: Command = defineCommand({
  details: "On all nodes that run it. What is under way is finished first.",
  arguments: { name: required("name", "name of the workload") },
  options: {
    node: text(
      "--node <id>",
      "only what runs on this node, and so many replicas fewer; a node of nex 0.2.7 has to be named",
    ),
  },
  async run(ctx, { name, node }) {
    const { print, global } = ctx;
    const { instances } = await print.progress(
      `Stopping ${name}`,
      async () => await withClient(ctx, { signs: true }, async (nex) => await nex.workloads.stop(name, { node })),
    );
    if (print.isJson) return print.json({ name, namespace: global.namespace, stopped: true });
    const nodes = new Set(instances.map(({ node_id }) => node_id)).size;
    const where = nodes > 1 ? `: ${instances.length} instances on ${nodes} nodes` : "";
    print.text(`Workload '${name}' stopped${where}.`);
  },
});
