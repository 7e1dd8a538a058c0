import { buffer } from "node:stream/consumers";
import type { TriggerReply } from "@nex/client";
import { type Command, defineCommand } from "../command.ts";
import { duration, flag, pairs, required, text } from "../option.ts";
import { withClient } from "../session.ts";

/** As NATS and HTTP write them. */
function headerLines(headers: TriggerReply["headers"]): Uint8Array {
  const lines = Object.entries(headers).flatMap(([name, values]) => values.map((value) => `${name}: ${value}\n`));
  return Buffer.from(`${lines.join("")}\n`);
}

/** `nex workload trigger`, `nex trigger` */
export const command: Command = defineCommand({
  details: "Sends one message to the function and prints the reply's bytes as they are, also with --json.",
  arguments: { name: required("name", "name of the function") },
  options: {
    subject: text(
      "--subject <subject>",
      "subject to publish on (default: the function's first trigger, if it has no wildcard)",
    ),
    data: text("-d, --data <text>", "payload; - reads it from stdin (default: empty)"),
    wait: duration("--wait <time>", "for the reply (default: the function's own deadline)", { fallback: undefined }),
    include: flag("-i, --include", "print the reply's headers first, a line each, and an empty line"),
    headers: pairs("-H, --header <key=value>", "header of the message, repeatable"),
  },
  examples: [
    ["trigger price --subject orders.de.new --data '{\"items\":[]}'", "one order"],
    ["trigger price --subject orders.de.new --data - < order.json", "the same from a file"],
    ["trigger price --subject orders.de.new -i", "with the headers of the reply"],
  ],
  async run(ctx, { name, subject, data, wait, include, headers }) {
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
    if (include) ctx.print.bytes(headerLines(reply.headers));
    ctx.print.bytes(reply.data);
  },
});
