import { type Command, defineCommand } from "../command.ts";
import { required } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex node lameduck` */
export const command: Command = defineCommand({
  details:
    "Other nodes of its nexus take over what it runs, each replacement before its original ends; what none of them can take goes on there. New deploys are refused. There is no way back but to start it again.",
  arguments: { id: required("node", "id of the node (nex node ls)") },
  async run(ctx, { id }) {
    const reply = await withClient(ctx, {}, async (nex) => await nex.nodes.lameDuck(id));
    if (ctx.print.isJson) return ctx.print.json(reply);
    ctx.print.text(`Node ${reply.node_id} takes no more deploys; other nodes take over what it runs.`);
  },
});
