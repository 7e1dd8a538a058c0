import type { ControlContext } from "../control-api/context.ts";
import type { Workload } from "../supervisor/workload.ts";
import { queueGroup } from "../triggers/trigger-subscription.ts";
import { VERSION } from "../version.ts";
import type { ServiceDescription } from "./service-responder.ts";

/** The node itself and each function that runs on it, as NATS micro services. */
export function nodeServices(context: ControlContext): ServiceDescription[] {
  return [nodeService(context), ...context.supervisor.running().filter(hasTriggers).flatMap(functionServices)];
}

function nodeService({ identity, startedAt, sandbox }: ControlContext): ServiceDescription {
  return {
    name: "nex-node",
    id: identity.nodeId,
    version: VERSION,
    description: "Runs services and functions",
    metadata: { nexus: identity.nexus, sandbox: sandbox.name },
    started: new Date(startedAt).toISOString(),
    endpoints: [],
  };
}

function hasTriggers(workload: Workload): boolean {
  return (workload.current?.triggers.length ?? 0) > 0;
}

function functionServices(workload: Workload): ServiceDescription[] {
  return workload.instances.map((instance, place) => ({
    name: workload.name,
    id: instance.id,
    version: `0.0.${instance.revision}`,
    description: instance.plan.description,
    metadata: { namespace: workload.namespace, kind: instance.plan.kind, revision: String(instance.revision) },
    started: new Date(Date.now() - instance.uptimeMs).toISOString(),
    endpoints: instance.plan.triggers.map((subject, index) => {
      const stats = instance.statsOf(index);
      // Messages that no instance was given are told of once, with the first.
      const unrun = place === 0 ? workload.unrun?.of(index) : undefined;
      return {
        name: `trigger-${index}`,
        subject,
        queue_group: queueGroup(workload.namespace, workload.name),
        num_requests: (stats?.requests ?? 0) + (unrun?.requests ?? 0),
        num_errors: (stats?.errors ?? 0) + (unrun?.errors ?? 0),
        last_error: [stats?.lastError, unrun?.lastError].find(Boolean) ?? "",
        processing_ms: stats?.processingMs ?? 0,
      };
    }),
  }));
}
