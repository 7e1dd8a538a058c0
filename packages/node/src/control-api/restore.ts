import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Claims, createEvent, decodeClaims, NexError, openEnvironment, toNexError } from "@nex/protocol";
import { backoffMs } from "@nex/system";
import type { RevisionRecord } from "../registry/records.ts";
import type { StoredWorkload } from "../registry/node-records.ts";
import type { WorkloadPlan } from "../supervisor/plan.ts";
import type { Revision } from "../supervisor/revision.ts";
import type { Workload } from "../supervisor/workload.ts";
import type { ControlContext } from "./context.ts";
import { checkDeploy } from "./endpoints/check-deploy.ts";
import { planDeploy } from "./endpoints/plan-deploy.ts";

/**
 * Takes over what the node ran before it was started: each workload is known from now on, shown in lists, and can be
 * stopped, deployed anew or rolled back. What cannot run is kept with the reason and holds nothing else back.
 * @returns those that are to be brought up
 */
export async function adoptStored(context: ControlContext): Promise<Workload[]> {
  const toRun: Workload[] = [];
  for (const stored of (await context.records?.load()) ?? []) {
    const adopted = readStored(context, stored);
    if (adopted.running === undefined) {
      report(context, stored, adopted.failure!);
      continue;
    }
    const { running, kept, failure } = adopted;
    try {
      const { restarts } = stored.slot;
      const workload = await context.supervisor.adopt({ running, kept, restarts, failure });
      if (failure === undefined) toRun.push(workload);
      else report(context, stored, failure);
    } catch (error) {
      // Its namespace has no connection any more.
      report(context, stored, toNexError(error));
    }
  }
  return toRun;
}

/** Brings adopted workloads up, a few at a time; one that fails is tried again, more and more slowly. */
export async function bringUp(
  context: ControlContext,
  adopted: readonly Workload[],
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...adopted];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      const workload = next;
      if (!(await tryToRun(context, workload, signal))) void tryAgain(context, workload, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane));
}

async function tryAgain(context: ControlContext, workload: Workload, signal: AbortSignal): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    await sleep(backoffMs(failures), undefined, { signal }).catch(() => undefined);
    if (signal.aborted || (await tryToRun(context, workload, signal))) return;
  }
}

/** False if it has to be tried again. */
async function tryToRun(context: ControlContext, workload: Workload, signal: AbortSignal): Promise<boolean> {
  try {
    await context.supervisor.resume(workload);
    return true;
  } catch (error) {
    const { namespace, name } = workload;
    const failure = toNexError(error);
    if (signal.aborted || failure.code === "cancelled") return true;
    report(context, { namespace, name }, failure);
    return false;
  }
}

interface Adopted {
  /** `undefined` where not even the request is known. */
  readonly running: Revision | undefined;
  /** Newest first, the running one among them. */
  readonly kept: readonly Revision[];
  /** Why it cannot run. */
  readonly failure: NexError | undefined;
}

function readStored(context: ControlContext, { namespace, name, slot, revisions }: StoredWorkload): Adopted {
  let running: Revision | undefined;
  let failure: NexError | undefined;
  const kept: Revision[] = [];
  const numbers = [...revisions.keys()].sort((a, b) => b - a);
  for (const number of numbers) {
    const record = revisions.get(number)!;
    const isRunning = number === slot.revision;
    if (record instanceof NexError) {
      if (isRunning) failure = record;
      continue;
    }
    const planned = planStored(context, namespace, name, record);
    if (planned instanceof NexError) {
      if (isRunning) failure = planned;
      continue;
    }
    const { plan, reason } = planned;
    const revision = { number, plan, deployedAt: record.deployedAt };
    if (isRunning) {
      running = revision;
      failure = reason;
    }
    // One that may not run any more is nothing to go back to.
    if (isRunning || reason === undefined) kept.push(revision);
  }
  return { running, kept, failure };
}

/** An error where not even the request is known. Checks a stored deploy as if it had just come, but for its time: nothing in the bucket is trusted. */
function planStored(
  context: ControlContext,
  namespace: string,
  name: string,
  record: RevisionRecord,
): { readonly plan: WorkloadPlan; readonly reason: NexError | undefined } | NexError {
  const { request, body, artifact } = record;
  let claims: Claims;
  let unchecked: WorkloadPlan;
  try {
    claims = decodeClaims(request.workload_jwt);
    unchecked = planDeploy(context, { namespace, request, claims, artifact, env: {} });
  } catch (error) {
    return toNexError(error);
  }
  // Under this name it was kept, whatever its claims say.
  unchecked = { ...unchecked, name };
  try {
    context.admission.recognize(claims, body, { namespace, name, sha256: artifact.sha256 });
    const checked = checkDeploy(context, namespace, request);
    const env = openEnvironment(request.environment, context.identity.exchangeKey, request.sender_public_key);
    return { plan: planDeploy(context, { namespace, request, claims, artifact, env, checked }), reason: undefined };
  } catch (error) {
    return { plan: unchecked, reason: toNexError(error) };
  }
}

function report(
  { feeds, identity, warn }: ControlContext,
  { namespace, name }: Pick<StoredWorkload, "namespace" | "name">,
  { code, message }: NexError,
): void {
  warn(`The workload ${namespace}/${name} ran here before and does not now: ${message}`);
  feeds.publishEvent(createEvent("workload_not_restored", identity.nodeId, namespace, { name, code, message }));
}
