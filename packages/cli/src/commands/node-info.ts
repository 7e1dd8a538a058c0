import { formatSize, NexError } from "@nex/protocol";
import type { NexClient } from "@nex/client";
import { type Command, defineCommand } from "../command.ts";
import { optional } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex node info` */
export const command: Command = defineCommand({
  details: "Without an id it describes the only node there is.",
  arguments: { id: optional("node", "id of the node (nex node ls)") },
  async run(ctx, { id }) {
    const { print } = ctx;
    const info = await withClient(ctx, {}, async (nex) => await nex.nodes.info(id ?? (await onlyNode(nex))));
    if (print.isJson) return print.json(info);
    print.block(`Node ${info.node_id ?? id ?? ""}`, [
      ["Nexus", info.nexus],
      ["Version", info.version],
      ["Uptime", info.uptime],
      ["Sandbox", info.sandbox],
      ["Kinds", (info.kinds ?? info.supported_workload_types).join(", ")],
      ["Artifacts", info.max_artifact_bytes === undefined ? undefined : `up to ${formatSize(info.max_artifact_bytes)}`],
      [
        "Host services",
        info.host_services?.map(({ name, max_bytes }) =>
          max_bytes === undefined ? name : `${name}  up to ${formatSize(max_bytes)}`,
        ),
      ],
      ["Exchange key", info.public_xkey],
      [
        "Memory available",
        info.memory === undefined
          ? undefined
          : `${Math.round(info.memory.available / 1024)} of ${Math.round(info.memory.total / 1024)} MiB`,
      ],
      ["Tags", Object.entries(info.tags ?? {}).map(([key, value]) => `${key}=${value}`)],
      ["Instances", info.machines.map(({ id: machine, workload }) => `${workload.name}  ${machine}`)],
      ["More instances", info.machines_left_out],
    ]);
  },
});

async function onlyNode(nex: NexClient): Promise<string> {
  const nodes = await nex.nodes.list();
  if (nodes.length === 1) return nodes[0]!.node_id;
  if (nodes.length === 0) throw new NexError("no_node", 'No nodes answered. Start one with "nex up".');
  throw new NexError(
    "usage",
    `There are ${nodes.length} nodes; name one of them: ${nodes.map((node) => node.node_id).join(", ")}.`,
    { data: { command: "nex node info" } },
  );
}
