import { type NexError, toNexError } from "@nex/protocol";
import { backoffMs } from "@nex/system";
import type { SlotError } from "../registry/records.ts";
import type { WorkloadPlan } from "../supervisor/plan.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { Lanes } from "./lanes.ts";
import { type LocalState, NOTHING_LOCAL, type Plan, type RevisionOrder } from "./workload-view.ts";

/** A revision out of the records, checked for this node. */
export interface ReadRevision {
  readonly plan: WorkloadPlan;
  readonly deployedAt: string;
  /** Why it may not run here. */
  readonly failure: NexError | undefined;
}

export interface LocalWorkloadOptions {
  readonly namespace: string;
  readonly name: string;
  readonly supervisor: Supervisor;
  /** Bounds how many are brought up at one time when nobody waits for them. */
  readonly lanes: Lanes;
  /** @throws NexError where the record is missing or cannot be read */
  readonly read: (revision: number) => Promise<ReadRevision>;
  /** Restarts that the records know of an earlier run of this node. */
  readonly earlierRestarts: () => number;
  /** The state is another one. */
  readonly onChange: () => void;
  readonly onFailed: (error: NexError) => void;
}

type Order = Pick<Plan, "birth" | "run" | "prepare">;

/** The revision of a rollout, held back until it is known whether it counts. */
interface Gate {
  readonly rollout: string;
  readonly revision: number;
  readonly withdrawn: AbortController;
  readonly decided: PromiseWithResolvers<void>;
  isUp: boolean;
}

/**
 * One workload as far as this node has a part in it. Takes orders about what should run here and carries them out one
 * after the other, the newest order only; what it has reached is told by its state.
 */
export class LocalWorkload {
  readonly #options: LocalWorkloadOptions;
  #order: Order = { birth: "", run: undefined, prepare: undefined };
  /** Of the workload that runs, or was begun, here. */
  #birth = "";
  #gate: Gate | undefined;
  #failed: LocalState["failed"];
  #failures = 0;
  #retryAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: LocalWorkloadOptions) {
    this.#options = options;
  }

  get state(): LocalState {
    const workload = this.#workload;
    return {
      ...NOTHING_LOCAL,
      prepared: this.#gate?.isUp === true ? this.#gate.rollout : "",
      failed: this.#failed,
      isBusy: this.#work !== undefined,
      ...(workload === undefined
        ? {}
        : {
            birth: this.#birth,
            running: workload.running,
            instances: workload.running === 0 ? [] : workload.instances.map(({ id }) => id),
            restarts: workload.restarts,
            hasEnded: workload.hasEnded,
          }),
    };
  }

  /** True while there is nothing to remember of it. */
  get isIdle(): boolean {
    const { run, prepare } = this.#order;
    return run === undefined && prepare === undefined && this.#work === undefined && this.#workload === undefined;
  }

  /** Shows what is to run here before it is brought up. @throws NexError as `read` does */
  async adopt(birth: string, { revision, instances }: RevisionOrder): Promise<void> {
    this.#birth = birth;
    const { supervisor, earlierRestarts, read } = this.#options;
    const { plan, deployedAt, failure } = await read(revision);
    const running = { number: revision, plan: { ...plan, replicas: instances }, deployedAt };
    await supervisor.adopt({ running, kept: [running], restarts: earlierRestarts(), failure });
    if (failure !== undefined) throw failure;
  }

  order(order: Order): void {
    this.#order = order;
    this.#step();
  }

  /** Carries nothing out any more; whoever waits for a rollout hears why. */
  close(reason: NexError): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#withdraw(reason);
  }

  get #workload(): ReturnType<Supervisor["find"]> {
    return this.#options.supervisor.find(this.#options.namespace, this.#options.name);
  }

  /** What runs here is of an earlier workload of this name. */
  get #isOther(): boolean {
    return this.#workload !== undefined && this.#birth !== this.#order.birth;
  }

  #step(): void {
    if (this.#isClosed) return;
    const { run, prepare } = this.#order;
    const gate = this.#gate;
    if (gate !== undefined) {
      if (run?.revision === gate.revision && !this.#isOther) gate.decided.resolve();
      else if (prepare?.rollout !== gate.rollout) this.#withdraw(toNexError(new Error("The rollout was taken back.")));
    }
    // Whoever stops a workload does not wait until it has come up.
    if (this.#work !== undefined && (this.#isOther || (run === undefined && prepare === undefined))) void this.#stop();
    if (this.#work !== undefined) return;
    const work = this.#next();
    if (work === undefined) return;
    this.#work = work().finally(() => {
      this.#work = undefined;
      this.#step();
      this.#options.onChange();
    });
  }

  #next(): (() => Promise<void>) | undefined {
    const { run, prepare } = this.#order;
    const { running, instances, hasEnded, failed } = this.state;
    if (this.#isOther || (run === undefined && prepare === undefined))
      return this.#workload === undefined ? undefined : async () => await this.#stop();
    this.#birth = this.#order.birth;
    if (prepare !== undefined && failed?.rollout !== prepare.rollout) return async () => await this.#prepare(prepare);
    if (run === undefined) return undefined;
    const wait = this.#retryAt - performance.now();
    const isChanged = running !== run.revision || (instances.length !== run.instances && !hasEnded);
    if (!isChanged) {
      // It says nothing about what is asked for next.
      if (failed?.rollout === undefined) this.#failed = undefined;
      return undefined;
    }
    if (failed?.rollout === undefined && failed?.revision === run.revision && wait > 0) return this.#later(wait);
    return running === run.revision
      ? async () => await this.#attempt(run, async () => await this.#resize(run))
      : async () => await this.#attempt(run, async () => await this.#start(run));
  }

  #later(waitMs: number): undefined {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#step(), waitMs);
  }

  async #attempt(order: RevisionOrder, act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#failed = undefined;
      this.#failures = 0;
    } catch (thrown) {
      const error = toNexError(thrown);
      // An order that has changed meanwhile ends it too, which is no failure.
      if (this.#isClosed || error.code === "cancelled" || this.#order.run?.revision !== order.revision) return;
      this.#failed = { revision: order.revision, error: slotError(error) };
      this.#retryAt = performance.now() + backoffMs(this.#failures++);
      this.#options.onFailed(error);
    }
  }

  async #start(order: RevisionOrder): Promise<void> {
    const { namespace, name, supervisor, lanes, read } = this.#options;
    await lanes.run(async () => {
      if (this.#isClosed || this.#order.run?.revision !== order.revision) return;
      const known = this.#workload;
      if (known === undefined || known.isAdopted) {
        await this.adopt(this.#order.birth, order);
        await supervisor.resume(supervisor.get(namespace, name));
        return;
      }
      const { plan, failure } = await read(order.revision);
      if (failure !== undefined) throw failure;
      const recorder = { next: async () => order.revision, commit: async () => undefined };
      await supervisor.deploy({ ...plan, replicas: order.instances }, recorder);
    });
  }

  async #resize({ instances }: RevisionOrder): Promise<void> {
    const { namespace, name, supervisor } = this.#options;
    await supervisor.resize(namespace, name, instances);
  }

  /** Brings a revision up, and has it take over once the rollout counts. */
  async #prepare({ revision, instances, rollout }: NonNullable<Plan["prepare"]>): Promise<void> {
    const { supervisor, read, onChange } = this.#options;
    const gate: Gate = {
      rollout,
      revision,
      withdrawn: new AbortController(),
      decided: Promise.withResolvers<void>(),
      isUp: false,
    };
    gate.decided.promise.catch(() => undefined);
    this.#gate = gate;
    try {
      const { plan, failure } = await read(revision);
      if (failure !== undefined) throw failure;
      const commit = async (): Promise<void> => {
        gate.isUp = true;
        onChange();
        await gate.decided.promise;
      };
      const recorder = { next: async () => revision, commit };
      await supervisor.deploy({ ...plan, replicas: instances }, recorder, gate.withdrawn.signal);
      this.#failed = undefined;
      this.#failures = 0;
    } catch (thrown) {
      const error = toNexError(thrown);
      if (gate.withdrawn.signal.aborted) return;
      this.#failed = { revision, rollout, error: slotError(error) };
    } finally {
      this.#gate = undefined;
    }
  }

  #withdraw(reason: NexError): void {
    const gate = this.#gate;
    if (gate === undefined || gate.withdrawn.signal.aborted) return;
    gate.withdrawn.abort(reason);
    gate.decided.reject(reason);
  }

  async #stop(): Promise<void> {
    this.#stopping ??= this.#end().finally(() => (this.#stopping = undefined));
    await this.#stopping;
  }

  async #end(): Promise<void> {
    this.#failed = undefined;
    clearTimeout(this.#retry);
    await this.#options.supervisor.end(this.#options.namespace, this.#options.name);
  }
}

function slotError({ code, message, data }: NexError): SlotError {
  return Object.keys(data).length === 0 ? { code, message } : { code, message, data };
}
