import { setTimeout as sleep } from "node:timers/promises";
import {
  checkName,
  checkStopClaims,
  type Claims,
  NexError,
  type RollbackRequest,
  type RollbackResponse,
  type StopRequest,
  type StopResponse,
  type UndeployRequest,
  type UndeployResponse,
} from "@nex/protocol";
import type { Workload } from "../../supervisor/workload.ts";
import type { ControlContext } from "../context.ts";

/** The answer to a stop waits so long for its records to be taken away, ms. */
const FORGET_MS = 2000;

/** Stops one instance, as 0.2.7 stops a machine. */
export async function stopInstance(
  context: ControlContext,
  namespace: string,
  request: StopRequest,
  claims: Claims,
): Promise<StopResponse> {
  const workload = context.supervisor.findByInstance(request.workload_id);
  if (workload === undefined || workload.namespace !== namespace)
    throw new NexError("workload_not_found", "No such workload");
  await admitStop(context, workload, claims);
  await context.supervisor.stopInstance(workload, request.workload_id);
  if (workload.instances.length === 0) await forget(context, workload);
  return { stopped: true, id: request.workload_id, issuer: claims.issuer, name: workload.name };
}

/** Stops a workload with all its instances. */
export async function undeploy(
  context: ControlContext,
  namespace: string,
  request: UndeployRequest,
  claims: Claims,
): Promise<UndeployResponse> {
  const workload = context.supervisor.get(namespace, checkName("workload", request.name));
  await admitStop(context, workload, claims);
  const instances = workload.instances.map((instance) => instance.id);
  await context.supervisor.stop(namespace, request.name);
  await forget(context, workload);
  return { stopped: true, name: request.name, instances };
}

export async function rollback(
  context: ControlContext,
  namespace: string,
  request: RollbackRequest,
  claims: Claims,
): Promise<RollbackResponse> {
  if (context.lameDuck) throw new NexError("lame_duck", "Node is in lame duck mode. Workload deploy request denied");
  const workload = context.supervisor.get(namespace, checkName("workload", request.name));
  const { number, plan } = workload.revision(request.revision);
  context.admission.check(claims, { action: "rollback", name: workload.name, namespace, sha256: plan.artifact.sha256 });
  checkStopClaims(claims, workload.plan!.claims);
  await context.admission.use(claims);
  const detail = await context.supervisor.rollback(
    namespace,
    request.name,
    number,
    context.records?.recorder(namespace, request.name, undefined),
  );
  const { name, kind, revision, state, instances } = detail;
  return { name, namespace, kind, revision, state, instances };
}

/** It must not come back at the next start. A server that is away is not waited for: the records go when it is back. */
async function forget({ records }: ControlContext, { namespace, name }: Workload): Promise<void> {
  if (records === undefined) return;
  const waited = new AbortController();
  const late = sleep(FORGET_MS, undefined, { signal: waited.signal }).catch(() => undefined);
  await Promise.race([records.remove(namespace, name), late]);
  waited.abort();
}

async function admitStop(context: ControlContext, workload: Workload, claims: Claims): Promise<void> {
  checkStopClaims(claims, workload.plan!.claims);
  context.admission.check(claims, { action: "stop", name: workload.name, namespace: workload.namespace });
  await context.admission.useForStop(claims);
}
