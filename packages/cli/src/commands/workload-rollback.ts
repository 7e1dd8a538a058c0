import { type Command, defineCommand } from "../command.ts";
import { integer, required } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex workload rollback`, `nex rollback` */
export const command: Command = defineCommand({
  details: "The earlier revision is up before the present one goes. See what is kept with: nex info NAME",
  arguments: { name: required("name", "name of the workload") },
  options: {
    revision: integer("--revision <n>", "revision to run again (default: the one before)", {
      fallback: undefined,
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
    }),
  },
  async run(ctx, { name, revision }) {
    const { print } = ctx;
    const reply = await print.progress(
      `Rolling ${name} back`,
      async () => await withClient(ctx, { signs: true }, async (nex) => await nex.workloads.rollback(name, revision)),
    );
    if (print.isJson) return print.json(reply);
    print.text(`Workload '${name}' is ${reply.state}: back at revision ${reply.revision}.`);
  },
});
