import type { ByteBudget } from "@nex/host-services/host";
import type { NatsConnection } from "@nats-io/transport-node";
import { type LogLevel, NexError, toNexError, type WorkloadDetail } from "@nex/protocol";
import type { WorkloadFeed } from "../feeds/workload-feed.ts";
import { DeployedFunction } from "../functions/deployed-function.ts";
import type { Dispatcher } from "../functions/dispatcher.ts";
import type { InvocationStats } from "../functions/invocation-stats.ts";
import { queueGroup } from "../triggers/trigger-subscription.ts";
import { describeWorkload, worstState } from "./describe-workload.ts";
import { revisionDispatcher } from "./revision-dispatcher.ts";
import type { Revision } from "./revision.ts";
import type { DeployRecorder } from "./deploy-recorder.ts";
import { allOf } from "./all-of.ts";
import { earlierRevision } from "./earlier-revision.ts";
import { Instance, type InstanceOptions } from "./instance.ts";
import { STOP_GRACE_MS, type WorkloadPlan } from "./plan.ts";

/** Revisions kept for a rollback, the running one included. */
const KEPT_REVISIONS = 5;

/** What a workload's instances are made of. */
export interface WorkloadParts extends Pick<InstanceOptions, "pool" | "services" | "artifactFile" | "onChange"> {
  readonly connection: NatsConnection;
  /** For messages that wait, of all instances of the workload. */
  readonly heldBytes: ByteBudget;
}

/** What an earlier run of the node left. */
export interface AdoptedWorkload {
  readonly running: Revision;
  /** Newest first, the running one among them. */
  readonly kept: readonly Revision[];
  readonly restarts: number;
  /** Why it cannot run; `undefined` if it is to be brought up. */
  readonly failure: NexError | undefined;
}

/** A revision that has come up. */
interface RunningRevision {
  readonly revision: Revision;
  readonly instances: Instance[];
  /** `undefined` for a service. */
  readonly dispatcher: Dispatcher | undefined;
}

/** A named workload of a namespace: its revisions, and the instances of the one that runs. */
export class Workload {
  readonly namespace: string;
  readonly name: string;
  readonly #feed: WorkloadFeed;
  readonly #nodeId: string;
  #revisions: readonly Revision[] = [];
  /** What is to run again and does not yet. */
  #adopted: AdoptedWorkload | undefined;
  /** Restarts before the node itself was started again. */
  #earlierRestarts = 0;
  #current: Revision | undefined;
  #instances: Instance[] = [];
  /** Made with the first revision that has triggers. */
  #function: DeployedFunction | undefined;
  /** Of the revision that runs. */
  #dispatcher: Dispatcher | undefined;
  /** What a deploy or rollback under way brings up. */
  #comingUp: { readonly revision: Revision; readonly instances: readonly Instance[] } | undefined;
  /** Ends what is coming up when the workload is stopped. */
  readonly #withdraw: AbortController = new AbortController();
  #lastNumber = 0;
  /** Deploys, rollbacks and stops of one workload happen one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  #ending = false;

  constructor(namespace: string, name: string, nodeId: string, feed: WorkloadFeed) {
    this.namespace = namespace;
    this.name = name;
    this.#nodeId = nodeId;
    this.#feed = feed;
  }

  get current(): WorkloadPlan | undefined {
    return this.#current?.plan;
  }

  /** Of the revision that runs, or of the first one while it is coming up. `undefined` before and in between. */
  get plan(): WorkloadPlan | undefined {
    return this.current ?? (this.#comingUp?.revision ?? this.#adopted?.running)?.plan;
  }

  get instances(): readonly Instance[] {
    return this.#instances;
  }

  /** Of messages to the running revision that no instance was given. */
  get unrun(): InvocationStats | undefined {
    return this.#dispatcher?.unrun;
  }

  /** True while an earlier run's revision is still to be brought up, or cannot be. */
  get isAdopted(): boolean {
    return this.#adopted !== undefined;
  }

  /** Of all its instances, since the running revision was deployed. */
  get restarts(): number {
    return this.#instances.reduce((total, instance) => total + instance.restarts, this.#earlierRestarts);
  }

  /** True if it has ended by itself, and stays so. */
  get hasEnded(): boolean {
    return this.#instances.length > 0 && this.#instances.every(({ state }) => state === "ended");
  }

  /** Number of the revision that takes messages; 0 for none. */
  get running(): number {
    return this.#current?.number ?? 0;
  }

  /** Takes over what an earlier run of the node left. */
  adopt(adopted: AdoptedWorkload): void {
    this.#adopted = adopted;
    this.#revisions = adopted.kept;
    this.#lastNumber = Math.max(...adopted.kept.map(({ number }) => number));
    this.#earlierRestarts = adopted.restarts;
  }

  /** Brings an adopted revision up, unless it was stopped or replaced meanwhile. @throws NexError, and keeps it as the reason */
  async resume(parts: WorkloadParts, signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      const adopted = this.#adopted;
      if (adopted === undefined || this.#ending) return;
      try {
        const running = await this.#bringUp(adopted.running, parts, signal);
        await this.#switchTo(running);
        this.#earlierRestarts = adopted.restarts;
      } catch (error) {
        this.#adopted = { ...adopted, failure: toNexError(error) };
        throw error;
      }
    });
  }

  /** A kept revision, or the one before the running one. @throws NexError `revision_not_found` */
  revision(number: number | undefined): { readonly number: number; readonly plan: WorkloadPlan } {
    const current = (this.#current ?? this.#adopted?.running)?.number ?? 0;
    const kept = this.#revisions.map((known) => known.number);
    const wanted = earlierRevision(this.name, current, kept, number);
    return this.#revisions.find((known) => known.number === wanted)!;
  }

  /** Hashes of all artifacts a deploy or rollback may need again. */
  get artifacts(): string[] {
    return this.#revisions.map((revision) => revision.plan.artifact.sha256);
  }

  /** Brings up the next revision, then takes the one before down. On failure the old one goes on as if nothing had been. */
  async deploy(
    plan: WorkloadPlan,
    parts: WorkloadParts,
    signal: AbortSignal,
    recorder?: DeployRecorder,
  ): Promise<Instance[]> {
    return await this.#inTurn(async () => {
      this.#checkNotEnding();
      const number = (await recorder?.next()) ?? this.#lastNumber + 1;
      const revision = { number, plan, deployedAt: new Date().toISOString() };
      const others = this.#revisions.filter((known) => known.number !== number);
      const kept = [revision, ...others].slice(0, KEPT_REVISIONS);
      const running = await this.#bringUp(revision, parts, signal, async () => await recorder?.commit());
      this.#lastNumber = revision.number;
      this.#revisions = kept;
      await this.#switchTo(running);
      return running.instances;
    });
  }

  /** Has so many instances of the running revision; those that are too many finish what they have begun. */
  async resize(count: number, parts: WorkloadParts, stopping: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      this.#checkNotEnding();
      const revision = this.#current;
      if (revision === undefined) return;
      const surplus = this.#instances.slice(count);
      this.#instances = this.#instances.slice(0, count);
      await this.#end(surplus, undefined);
      const missing = Math.max(0, count - this.#instances.length);
      const added = this.#newInstances(missing, revision, this.#dispatcher, parts);
      const signal = AbortSignal.any([stopping, this.#withdraw.signal]);
      try {
        await allOf(added.map(async (instance) => await instance.start(signal)));
        await allOf(added.map(async (instance) => await instance.open()));
      } catch (error) {
        await Promise.all(added.map(async (instance) => await instance.stop(0)));
        throw error;
      }
      this.#instances = [...this.#instances, ...added];
    });
  }

  /** Runs a kept revision again. @throws NexError `revision_not_found` */
  async rollback(
    number: number,
    parts: WorkloadParts,
    signal: AbortSignal,
    recorder?: DeployRecorder,
  ): Promise<Instance[]> {
    return await this.#inTurn(async () => {
      this.#checkNotEnding();
      this.revision(number);
      const revision = this.#revisions.find((known) => known.number === number)!;
      const running = await this.#bringUp(revision, parts, signal, async () => await recorder?.commit());
      await this.#switchTo(running);
      return running.instances;
    });
  }

  /** Ends every instance. */
  async stop(): Promise<void> {
    this.#ending = true;
    this.#adopted = undefined;
    this.#withdraw.abort(new NexError("cancelled", "The workload was stopped while it was coming up."));
    await this.#inTurn(async () => {
      await this.#end(this.#instances, this.#function?.close());
      this.#instances = [];
      this.#feed.event("workload_stopped", { revision: this.#current?.number });
    });
  }

  /** Ends one instance; true if it was the last. */
  async stopInstance(id: string): Promise<boolean> {
    return await this.#inTurn(async () => {
      const instance = this.#instances.find((known) => known.id === id);
      if (instance === undefined) throw new NexError("workload_not_found", "No such workload");
      await instance.stop(STOP_GRACE_MS, this.#instances.length === 1 ? this.#function?.close() : undefined);
      this.#instances = this.#instances.filter((known) => known !== instance);
      this.#feed.event("workload_undeployed", { id, name: this.name, reason: "Workload shutdown requested", vmid: id });
      return this.#instances.length === 0;
    });
  }

  describe(): WorkloadDetail {
    return describeWorkload({
      namespace: this.namespace,
      name: this.name,
      nodeId: this.#nodeId,
      shown: this.#shown,
      revisions: this.#revisions,
      state: this.#state(),
      wanted: this.#ending || this.hasEnded ? "stopped" : "running",
      restarts: this.restarts,
      instances: this.#instances,
      shownInstances: this.#shownInstances,
      unrun: this.unrun,
      failure: this.#adopted?.failure,
    });
  }

  /** Logs what concerns all instances for the first of them. */
  readonly #note = (level: LogLevel, text: string, invocationId?: string): void => {
    const { id = "" } = this.#instances[0] ?? this.#comingUp?.instances[0] ?? {};
    this.#feed.note(id, level, text, invocationId);
  };

  /** The revision that a list shows. */
  get #shown(): Revision {
    return this.#current ?? this.#comingUp?.revision ?? this.#adopted!.running;
  }

  get #shownInstances(): readonly Instance[] {
    // One that waits for its sandbox has no id yet.
    return this.#current === undefined
      ? (this.#comingUp?.instances ?? []).filter(({ id }) => id !== "")
      : this.#instances;
  }

  #state(): string {
    if (this.#current !== undefined) return worstState(this.#instances.map((instance) => instance.state));
    return this.#adopted?.failure === undefined || this.#comingUp !== undefined ? "starting" : "failed";
  }

  /** @param beforeOpen what has to succeed before it counts as up */
  async #bringUp(
    revision: Revision,
    parts: WorkloadParts,
    stopping: AbortSignal,
    beforeOpen?: () => Promise<void>,
  ): Promise<RunningRevision> {
    const { plan } = revision;
    const dispatcher = plan.triggers.length === 0 ? undefined : revisionDispatcher(plan, parts, this.#note);
    const instances = this.#newInstances(plan.replicas, revision, dispatcher, parts);
    this.#comingUp = { revision, instances };
    const signal = AbortSignal.any([stopping, this.#withdraw.signal]);
    try {
      await allOf(instances.map(async (instance) => await instance.start(signal)));
      // Only a revision that has come up whole takes messages: what half of one took would be lost with it.
      if (dispatcher !== undefined) await this.#functionOf(parts).open(dispatcher, signal);
      await beforeOpen?.();
      await allOf(instances.map(async (instance) => await instance.open()));
      return { revision, instances, dispatcher };
    } catch (error) {
      if (dispatcher !== undefined) {
        this.#function?.abandon(dispatcher);
        dispatcher.close(new NexError("interrupted", "The function did not come up."));
      }
      await Promise.all(instances.map(async (instance) => await instance.stop(0)));
      this.#withdraw.signal.throwIfAborted();
      throw error;
    } finally {
      this.#comingUp = undefined;
    }
  }

  #newInstances(
    count: number,
    { plan, number: revision }: Revision,
    dispatcher: Dispatcher | undefined,
    parts: WorkloadParts,
  ): Instance[] {
    const options = { plan, revision, feed: this.#feed, dispatcher, ...parts };
    return Array.from({ length: count }, () => new Instance(options));
  }

  #functionOf({ connection }: WorkloadParts): DeployedFunction {
    return (this.#function ??= new DeployedFunction({
      connection,
      queue: queueGroup(this.namespace, this.name),
      onRefused: (subject, { message }) =>
        this.#note("error", `The NATS server refused the trigger "${subject}": ${message}`),
    }));
  }

  async #switchTo({ revision, instances, dispatcher }: RunningRevision): Promise<void> {
    const old = this.#instances;
    const oldDispatcher = this.#dispatcher;
    const before = this.#current?.number;
    this.#current = revision;
    this.#adopted = undefined;
    this.#earlierRestarts = 0;
    this.#instances = instances;
    this.#dispatcher = dispatcher;
    if (dispatcher !== undefined) this.#function?.switchTo(dispatcher);
    for (const instance of instances)
      this.#feed.event("workload_deployed", { id: instance.id, revision: revision.number, code: 0 });
    this.#feed.event(before !== undefined && before > revision.number ? "workload_rolled_back" : "workload_started", {
      revision: revision.number,
      previous: before,
    });
    await this.#end(old, oldDispatcher === undefined ? undefined : this.#retire(oldDispatcher, dispatcher));
  }

  /** Resolves when a revision takes no more messages and has answered those it took. */
  async #retire(before: Dispatcher, next: Dispatcher | undefined): Promise<void> {
    // A service has taken the place of a function.
    if (next === undefined) await this.#function?.close();
    else await this.#function?.retire(before);
  }

  async #end(instances: readonly Instance[], drained: Promise<void> | undefined): Promise<void> {
    await Promise.all(instances.map(async (instance) => await instance.stop(STOP_GRACE_MS, drained)));
    await drained;
  }

  #checkNotEnding(): void {
    if (this.#ending)
      throw new NexError("workload_not_found", `The workload "${this.name}" was stopped while this request waited.`);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }
}
