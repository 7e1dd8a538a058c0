import {
  checkName,
  checkStopClaims,
  type Claims,
  NexError,
  type StopRequest,
  type StopResponse,
  type UndeployRequest,
  type UndeployResponse,
} from "@nex/protocol";
import type { ControlContext } from "../context.ts";
import { deployClaims } from "./deploy-claims.ts";

/** Stops one instance, as 0.2.7 stops a machine. A fleet has one replica less then. */
export async function stopInstance(
  context: ControlContext,
  namespace: string,
  request: StopRequest,
  claims: Claims,
): Promise<StopResponse> {
  const workload = context.supervisor.findByInstance(request.workload_id);
  if (workload === undefined || workload.namespace !== namespace)
    throw new NexError("workload_not_found", "No such workload");
  const { name } = workload;
  await admitStop(context, namespace, workload.plan!.claims, claims);
  const { fleet } = context;
  if (fleet === undefined) await context.supervisor.stopInstance(workload, request.workload_id);
  else {
    const slot = fleet
      .mine(namespace, name)
      .find((at) => fleet.slots(namespace, name).get(at)?.instance === request.workload_id);
    await fleet.stops.shrink(namespace, name, slot === undefined ? fleet.mine(namespace, name).slice(0, 1) : [slot]);
  }
  return { stopped: true, id: request.workload_id, issuer: claims.issuer, name };
}

/** Stops a workload with all its instances: those of this node, or of the whole fleet. */
export async function undeploy(
  context: ControlContext,
  namespace: string,
  request: UndeployRequest,
  claims: Claims,
): Promise<UndeployResponse> {
  const name = checkName("workload", request.name);
  const { fleet, supervisor } = context;
  if (fleet === undefined) {
    const workload = supervisor.get(namespace, name);
    await admitStop(context, namespace, workload.plan!.claims, claims);
    const instances = workload.instances.map(({ id }) => id);
    await supervisor.stop(namespace, name);
    return { stopped: true, name, instances };
  }
  await admitStop(context, namespace, await deployClaims(context, fleet, namespace, name), claims);
  const slots = fleet.slots(namespace, name);
  const mine = fleet.mine(namespace, name);
  const ended = request.only_here === true ? mine : [...slots.keys()];
  const instances = ended.map((at) => slots.get(at)?.instance).filter((id) => id !== undefined);
  if (request.only_here === true) await fleet.stops.shrink(namespace, name, mine);
  else await fleet.stops.stop(namespace, name);
  return { stopped: true, name, instances };
}

async function admitStop(context: ControlContext, namespace: string, deploy: Claims, claims: Claims): Promise<void> {
  checkStopClaims(claims, deploy);
  context.admission.check(claims, { action: "stop", name: deploy.name, namespace });
  await context.admission.useForStop(claims);
}
