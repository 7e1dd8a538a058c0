import { type Claims, decodeClaims, openEnvironment, toNexError } from "@nex/protocol";
import type { ReadRevision } from "../placement/local-workload.ts";
import type { RevisionRecord } from "../registry/records.ts";
import type { WorkloadPlan } from "../supervisor/plan.ts";
import type { ControlContext } from "./context.ts";
import { checkDeploy } from "./endpoints/check-deploy.ts";
import { planDeploy } from "./endpoints/plan-deploy.ts";

/** What of a node a stored deploy is checked against. */
type Checks = Pick<ControlContext, "config" | "sandbox" | "subjects" | "connectRules" | "admission" | "identity">;

/**
 * Checks a stored deploy as if it had just come, but for its time: nothing in the bucket is trusted. One that may not
 * run here is planned all the same, to be shown.
 * @throws NexError where not even the request is known
 */
export function planStored(checks: Checks, namespace: string, name: string, record: RevisionRecord): ReadRevision {
  const { request, body, artifact, deployedAt } = record;
  const claims: Claims = decodeClaims(request.workload_jwt);
  // Under this name it was kept, whatever its claims say.
  const unchecked: WorkloadPlan = { ...planDeploy(checks, { namespace, request, claims, artifact, env: {} }), name };
  try {
    checks.admission.recognize(claims, body, { namespace, name, sha256: artifact.sha256 });
    const checked = checkDeploy(checks, namespace, request);
    const env = openEnvironment(request.environment, checks.identity.exchangeKey, request.sender_public_key);
    const plan = planDeploy(checks, { namespace, request, claims, artifact, env, checked });
    return { plan, deployedAt, failure: undefined };
  } catch (error) {
    return { plan: unchecked, deployedAt, failure: toNexError(error) };
  }
}
