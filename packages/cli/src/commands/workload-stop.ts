import { type Command, defineCommand } from "../command.ts";
import { required, text } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex workload stop`, `nex stop` */
export const command: Command = defineCommand({
  details: "What is under way is finished first.",
  arguments: { name: required("name", "name of the workload") },
  options: { node: text("--node <id>", "on this node only; a node of nex 0.2.7 has to be named") },
  async run(ctx, { name, node }) {
    const { print, global } = ctx;
    await print.progress(
      `Stopping ${name}`,
      async () => await withClient(ctx, { signs: true }, async (nex) => await nex.workloads.stop(name, { node })),
    );
    if (print.isJson) return print.json({ name, namespace: global.namespace, stopped: true });
    print.text(`Workload '${name}' stopped.`);
  },
});
