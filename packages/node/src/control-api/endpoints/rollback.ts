import {
  checkName,
  checkStopClaims,
  type Claims,
  NexError,
  type RollbackRequest,
  type RollbackResponse,
} from "@nex/protocol";
import { earlierRevision } from "../../supervisor/earlier-revision.ts";
import type { ControlContext } from "../context.ts";
import { checkDeploy } from "./check-deploy.ts";
import { deployClaims, workloadNotFound } from "./deploy-claims.ts";
import { describeRollout } from "./describe-rollout.ts";
import { needsOf } from "./needs.ts";

/** Runs a kept revision again: here, or on all nodes of the fleet that run the workload. */
export async function rollback(
  context: ControlContext,
  namespace: string,
  request: RollbackRequest,
  claims: Claims,
): Promise<RollbackResponse> {
  if (context.lameDuck.isOn)
    throw new NexError("lame_duck", "Node is in lame duck mode. Workload deploy request denied");
  const name = checkName("workload", request.name);
  const { fleet, supervisor, admission } = context;
  if (fleet === undefined) {
    const workload = supervisor.get(namespace, name);
    const { number, plan } = workload.revision(request.revision);
    admission.check(claims, { action: "rollback", name, namespace, sha256: plan.artifact.sha256 });
    checkStopClaims(claims, workload.plan!.claims);
    await admission.use(claims);
    const { kind, revision, state, instances } = await supervisor.rollback(namespace, name, number);
    return { name, namespace, kind, revision, state, instances };
  }
  const record = fleet.record(namespace, name);
  if (record === undefined) throw workloadNotFound(namespace, name);
  const numbers = record.kept.map(({ revision }) => revision);
  const wanted = earlierRevision(name, record.current, numbers, request.revision);
  const target = record.kept.find(({ revision }) => revision === wanted)!;
  admission.check(claims, { action: "rollback", name, namespace, sha256: target.sha256 });
  checkStopClaims(claims, await deployClaims(context, fleet, namespace, name));
  await admission.use(claims);
  const rolledOut = await fleet.rollouts.rollback(namespace, name, target.revision, ({ request: deploy }) => ({
    replicas: deploy.replicas ?? 1,
    needs: needsOf(context, checkDeploy(context, namespace, deploy).kind, deploy),
  }));
  return { name, namespace, kind: rolledOut.record.needs.kind, ...describeRollout(rolledOut) };
}
