import type { WorkloadSummary } from "@nex/protocol";
import { type Command, defineCommand } from "../command.ts";
import { withClient } from "../session.ts";

/** States that are not what anybody wants: the list says why. */
const UNWELL: readonly string[] = ["failed", "crash_loop", "restarting", "waiting"];

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
      { title: "INSTANCES", value: countOf, align: "right" },
      { title: "RESTARTS", value: ({ restarts }) => restarts, align: "right" },
      { title: "OK", value: ({ invocations }) => invocations.ok, align: "right" },
      { title: "FAILED", value: ({ invocations }) => invocations.failed, align: "right" },
      { title: "TRIGGERS", value: triggersOf },
    ]);
    for (const { name, state, last_error, instances, replicas = instances.length } of workloads)
      if ((UNWELL.includes(state) || instances.length < replicas) && last_error !== undefined)
        print.note(`${name} is ${state.replace("_", " ")}: ${last_error.message} [${last_error.code}]`);
  },
});

/** Those that run, and of how many where some are missing. */
function countOf({ instances, replicas = instances.length }: WorkloadSummary): string {
  return instances.length === replicas ? String(replicas) : `${instances.length}/${replicas}`;
}

function triggersOf({ triggers }: WorkloadSummary): string {
  return triggers.join(", ");
}
