import { readFile } from "node:fs/promises";
import type { HostServicesConfig } from "@nex/host-services/host";
import {
  formatUptime,
  HOST_SERVICES,
  type HostServiceOffer,
  type InfoRequest,
  type InfoResponse,
  legacyKind,
  type MachineSummary,
  type PingResponse,
  type WorkloadPingResponse,
  type WorkloadsRequest,
  type WorkloadsResponse,
} from "@nex/protocol";
import { SUPPORTED_KINDS, VERSION } from "../../version.ts";
import type { Workload } from "../../supervisor/workload.ts";
import type { ControlContext } from "../context.ts";
import { unheld, withRecord } from "./fleet-details.ts";
import { nodeTags } from "./node-tags.ts";
import { fitting, pageOf } from "./pages.ts";

export function ping(context: ControlContext): PingResponse {
  return {
    node_id: context.identity.nodeId,
    nexus: context.identity.nexus,
    version: VERSION,
    uptime: formatUptime(Date.now() - context.startedAt),
    target_xkey: context.identity.exchangeKey.publicKey,
    tags: nodeTags(context, context.lameDuck.isOn),
    running_machines: context.supervisor.instanceCount,
    ...everybody(context),
  };
}

/** `undefined` when nothing here matches: then the node stays silent. */
export function workloadPing(
  context: ControlContext,
  namespace: string,
  wanted: string | undefined,
): WorkloadPingResponse | undefined {
  const machines = context.supervisor
    .running()
    .filter((workload) => workload.namespace.toLowerCase() === namespace.toLowerCase())
    .flatMap((workload) =>
      workload.instances.map(({ id, plan }) => ({
        id,
        namespace: workload.namespace,
        name: workload.name,
        type: legacyKind(plan.kind),
      })),
    )
    .filter(({ id, name }) => wanted === undefined || id === wanted || name.toLowerCase() === wanted.toLowerCase());
  if (machines.length === 0) return undefined;
  machines.length = fitting(machines);
  const { node_id, target_xkey, version, tags, uptime } = ping(context);
  return { node_id, target_xkey, version, uptime, running_machines: machines, ...(tags === undefined ? {} : { tags }) };
}

export async function info(
  context: ControlContext,
  namespace: string,
  { machines: isListWanted = true }: InfoRequest = {},
): Promise<InfoResponse> {
  const memory = await memoryOfMachine();
  const running = isListWanted ? context.supervisor.running() : [];
  const machines = running
    .filter((workload) => workload.namespace.toLowerCase() === namespace.toLowerCase())
    .flatMap(machinesOf);
  const leftOut = machines.length - fitting(machines);
  const { version, uptime, target_xkey, tags } = ping(context);
  return {
    version,
    uptime,
    public_xkey: target_xkey,
    ...(tags === undefined ? {} : { tags }),
    ...(memory === undefined ? {} : { memory }),
    machines: leftOut === 0 ? machines : machines.slice(0, -leftOut),
    ...(leftOut === 0 ? {} : { machines_left_out: leftOut }),
    supported_workload_types: SUPPORTED_KINDS.map(legacyKind),
    node_id: context.identity.nodeId,
    nexus: context.identity.nexus,
    sandbox: context.sandbox.name,
    kinds: SUPPORTED_KINDS,
    max_artifact_bytes: context.config.artifacts.max_artifact_bytes,
    host_services: hostServices(context.config.host_services),
  };
}

function hostServices(config: HostServicesConfig): HostServiceOffer[] {
  return HOST_SERVICES.filter((name) => config[name].enabled).map((name) => {
    const { max_bytes } = config[name] as { readonly max_bytes?: number };
    return max_bytes === undefined ? { name } : { name, max_bytes };
  });
}

/** `undefined` when another node is asked. */
export function workloads(
  context: ControlContext,
  namespace: string,
  request: WorkloadsRequest,
): WorkloadsResponse | undefined {
  const { nodeId: node_id } = context.identity;
  if (request.node_id !== undefined && request.node_id !== node_id) return undefined;
  return {
    node_id,
    ...pageOf(describable(context, namespace), request),
    ...everybody(context),
    ...(context.fleet === undefined ? {} : { fleet: context.identity.nexus }),
  };
}

function everybody({ presence }: ControlContext): { readonly nodes?: readonly string[] } {
  const nodes = presence.everybody();
  return nodes === undefined ? {} : { nodes };
}

function describable({ supervisor, fleet }: ControlContext, namespace: string): Parameters<typeof pageOf>[0] {
  const known = supervisor.known(namespace);
  if (fleet === undefined) return known;
  const names = new Set(known.map(({ name }) => name));
  return [
    ...known.map((workload) => ({ name: workload.name, describe: () => withRecord(fleet, workload.describe()) })),
    ...unheld(fleet, namespace, names).map((detail) => ({ name: detail.name, describe: () => detail })),
  ];
}

function machinesOf(workload: Workload): MachineSummary[] {
  return workload.instances.map(({ id, plan, state, uptimeMs }) => {
    const uptime = formatUptime(uptimeMs);
    return {
      id,
      healthy: state === "running",
      uptime,
      namespace: workload.namespace,
      workload: {
        name: workload.name,
        description: plan.description,
        runtime: uptime,
        type: legacyKind(plan.kind),
        hash: plan.artifact.sha256,
      },
    };
  });
}

/** kB, from the kernel; `undefined` where it does not tell. */
async function memoryOfMachine(): Promise<InfoResponse["memory"]> {
  try {
    const text = await readFile("/proc/meminfo", "utf8");
    const read = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
    return { total: read("MemTotal"), free: read("MemFree"), available: read("MemAvailable") };
  } catch {
    return undefined;
  }
}
