import { type Command, defineCommand } from "../command.ts";
import { required } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex node lameduck` */
export const command: Command = defineCommand({
  details: "The node goes on running what it runs and refuses new deploys. There is no way back but to start it again.",
  arguments: { id: required("node", "id of the node (nex node ls)") },
  async run(ctx, { id }) {
    const reply = await withClient(ctx, {}, async (nex) => await nex.nodes.lameDuck(id));
    if (ctx.print.isJson) return ctx.print.json(reply);
    ctx.print.text(`Node ${reply.node_id} takes no more deploys.`);
  },
});
