import type { WorkloadSummary } from "@nex/protocol";
import { type Command, defineCommand } from "../command.ts";
import { withClient } from "../session.ts";

/** `nex workload ls`, `nex ls` */
export const command: Command = defineCommand({
  async run(ctx) {
    const { print, global } = ctx;
    const workloads = await withClient(ctx, {}, async (nex) => await nex.workloads.list());
    if (print.isJson) return print.json(workloads);
    if (workloads.length === 0)
      return print.note(`Nothing runs in the namespace "${global.namespace}". Deploy something with "nex run".`);
    print.table(workloads, [
      { title: "NAME", value: ({ name }) => name },
      { title: "KIND", value: ({ kind }) => kind },
      { title: "REVISION", value: ({ revision }) => revision, align: "right" },
      { title: "STATE", value: ({ state }) => state, style: ({ state }) => (state === "running" ? "green" : "red") },
      { title: "INSTANCES", value: ({ instances }) => instances.length, align: "right" },
      { title: "RESTARTS", value: ({ restarts }) => restarts, align: "right" },
      { title: "OK", value: ({ invocations }) => invocations.ok, align: "right" },
      { title: "FAILED", value: ({ invocations }) => invocations.failed, align: "right" },
      { title: "TRIGGERS", value: triggersOf },
    ]);
  },
});

function triggersOf({ triggers }: WorkloadSummary): string {
  return triggers.join(", ");
}
