import { buffer } from "node:stream/consumers";
import { type Command, defineCommand } from "../command.ts";
import { duration, pairs, required, text } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex workload trigger`, `nex trigger` */
export const command: Command = defineCommand({
  details: "Sends one message to the function and prints the reply's bytes as they are.",
  arguments: { name: required("name", "name of the function") },
  options: {
    subject: text(
      "--subject <subject>",
      "subject to publish on (default: the function's first trigger, if it has no wildcard)",
    ),
    data: text("-d, --data <text>", "payload; - reads it from stdin (default: empty)"),
    wait: duration("--wait <time>", "for the reply (default: the function's own deadline)", { fallback: undefined }),
    headers: pairs("-H, --header <key=value>", "header of the message, repeatable"),
  },
  examples: [
    ["trigger price --subject orders.de.new --data '{\"items\":[]}'", "one order"],
    ["trigger price --subject orders.de.new --data - < order.json", "the same from a file"],
  ],
  async run(ctx, { name, subject, data, wait, headers }) {
    const payload = data === "-" ? await buffer(ctx.terminal.stdin) : Buffer.from(data ?? "");
    const reply = await withClient(
      ctx,
      {},
      async (nex) =>
        await nex.workloads.trigger(name, {
          data: payload,
          headers: Object.fromEntries(headers),
          ...(subject === undefined ? {} : { subject }),
          ...(wait === undefined ? {} : { timeoutMs: wait }),
        }),
    );
    ctx.print.bytes(reply.data);
  },
});
