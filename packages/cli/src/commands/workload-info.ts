import { formatSize, formatUptime, type HostServiceLimitsSummary, type WorkloadDetail } from "@nex/protocol";
import { type Command, defineCommand } from "../command.ts";
import { required, text } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex workload info`, `nex info` */
export const command: Command = defineCommand({
  arguments: { name: required("name", "name of the workload") },
  options: { node: text("--node <id>", "on this node only; a node of nex 0.2.7 has to be named") },
  async run(ctx, { name, node }) {
    const { print } = ctx;
    const detail = await withClient(ctx, {}, async (nex) => await nex.workloads.get(name, { node }));
    if (print.isJson) return print.json(detail);
    const { invocations, last_error } = detail;
    // A node of nex 0.2.7 tells nothing of these.
    const isLegacy = detail.revisions.length === 0;
    const ofFunction = <T>(value: T): T | undefined => (detail.kind === "elf" || isLegacy ? undefined : value);
    print.block(`Workload ${detail.name}`, [
      ["Namespace", detail.namespace],
      ["Description", detail.description === "" ? undefined : detail.description],
      ["Kind", detail.kind],
      ["State", stateOf(detail)],
      ["Revision", isLegacy ? undefined : detail.revision],
      ["Triggers", ofFunction(detail.triggers)],
      ["Deadline", ofFunction(`${detail.deadline_ms} ms`)],
      ["In flight at most", ofFunction(detail.max_in_flight)],
      [
        "Invocations",
        ofFunction(`${invocations.ok} ok, ${invocations.failed} failed, ${invocations.in_flight} in flight`),
      ],
      ["Connects to", detail.connect],
      ["Host services", describeLimits(detail.host_service_limits)],
      ["Restarts", isLegacy ? undefined : detail.restarts],
      ["Last error", last_error === undefined ? undefined : `${last_error.message} [${last_error.code}]`],
      [
        "Labels",
        Object.keys(detail.tags).length === 0
          ? undefined
          : Object.entries(detail.tags).map(([key, value]) => `${key}=${value}`),
      ],
      ["Replicas", detail.replicas === undefined ? undefined : `${detail.instances.length} of ${detail.replicas}`],
      [
        "Instances",
        detail.instances.map(
          ({ id, node_id, state, uptime_ms }) =>
            `${id}  ${state}  ${formatUptime(uptime_ms)}  on ${node_id.slice(0, 8)}…`,
        ),
      ],
      [
        "Revisions",
        isLegacy
          ? undefined
          : detail.revisions.map(
              ({ revision, state, deployed_at, size, sha256 }) =>
                `${revision}  ${state}  ${deployed_at}  ${formatSize(size)}  ${sha256.slice(0, 12)}`,
            ),
      ],
    ]);
  },
});

/** A state that is not the wanted one says so. */
function stateOf({ state, wanted }: WorkloadDetail): string {
  return wanted === undefined || wanted === state || state === "ended" ? state : `${state} (wanted: ${wanted})`;
}

/** What a deploy has taken away, in the words of its options. `undefined`: nothing. */
function describeLimits(limits: HostServiceLimitsSummary | undefined): string | undefined {
  if (limits === undefined) return undefined;
  const { disabled = [], http_allow, kv_max_bytes, object_store_max_bytes } = limits;
  return [
    ...disabled.map((service) => `without ${service}`),
    ...(http_allow === undefined ? [] : [`http to ${http_allow.join(", ")} only`]),
    ...(kv_max_bytes === undefined ? [] : [`kv up to ${formatSize(kv_max_bytes)}`]),
    ...(object_store_max_bytes === undefined ? [] : [`object store up to ${formatSize(object_store_max_bytes)}`]),
  ].join("; ");
}
