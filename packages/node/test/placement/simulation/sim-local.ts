import { type LocalState, NOTHING_LOCAL, type Plan } from "../../../src/placement/workload-view.ts";
import type { Clock, Random } from "./clock.ts";

export interface SimLocalOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Whether starts of this workload fail on this node. */
  readonly fails: () => boolean;
  readonly isAlive: () => boolean;
  readonly onChange: () => void;
}

type Order = Pick<Plan, "birth" | "run" | "prepare">;

const RETRY_MS = 1000;

/** What runs of one workload on a simulated node: starts and stops take time, and starts may fail. */
export class SimLocal {
  readonly #options: SimLocalOptions;
  #order: Order = { birth: "", run: undefined, prepare: undefined };
  #birth = "";
  #running = 0;
  #instances: string[] = [];
  #gate: { readonly rollout: string; readonly revision: number; readonly instances: number; isUp: boolean } | undefined;
  #failed: LocalState["failed"];
  #retryAt = 0;
  #isBusy = false;
  #made = 0;
  /** Messages it works on. */
  inFlight = 0;

  constructor(options: SimLocalOptions) {
    this.#options = options;
  }

  get state(): LocalState {
    return {
      ...NOTHING_LOCAL,
      birth: this.#isEmpty ? "" : this.#birth,
      running: this.#running,
      instances: this.#instances,
      prepared: this.#gate?.isUp === true ? this.#gate.rollout : "",
      failed: this.#failed,
      isBusy: this.#isBusy,
    };
  }

  get #isEmpty(): boolean {
    return this.#running === 0 && this.#gate === undefined && !this.#isBusy;
  }

  get #isOther(): boolean {
    return !this.#isEmpty && this.#birth !== this.#order.birth;
  }

  order(order: Order): void {
    this.#order = order;
    this.#step();
  }

  #step(): void {
    const { run, prepare } = this.#order;
    const gate = this.#gate;
    if (gate !== undefined && gate.isUp) {
      if (run?.revision === gate.revision && !this.#isOther) this.#switchTo(gate.revision, gate.instances);
      else if (prepare?.rollout !== gate.rollout) this.#dropGate();
    }
    if (this.#isBusy || this.#gate !== undefined) return;
    this.#next();
  }

  #next(): void {
    const { clock } = this.#options;
    const { run, prepare } = this.#order;
    if (this.#isOther || (run === undefined && prepare === undefined)) {
      this.#failed = undefined;
      if (this.#running !== 0) this.#stop();
      return;
    }
    this.#birth = this.#order.birth;
    if (prepare !== undefined && this.#failed?.rollout !== prepare.rollout) return this.#prepare(prepare);
    if (run === undefined) return;
    if (run.revision === this.#running && run.instances === this.#instances.length) {
      if (this.#failed?.rollout === undefined) this.#failed = undefined;
      return;
    }
    const isRetry = this.#failed?.rollout === undefined && this.#failed?.revision === run.revision;
    if (isRetry && clock.now < this.#retryAt) return clock.after(this.#retryAt - clock.now, () => this.#step());
    if (run.revision === this.#running && run.instances < this.#instances.length)
      return this.#work(1, () => (this.#instances = this.#instances.slice(0, run.instances)));
    this.#work(this.#startMs(), () => {
      if (this.#order.run?.revision !== run.revision || this.#order.birth !== this.#birth) return;
      if (this.#options.fails()) {
        this.#failed = { revision: run.revision, error: { code: "deploy_failed", message: "It does not start here." } };
        this.#retryAt = clock.now + RETRY_MS;
        return;
      }
      this.#failed = undefined;
      this.#running = run.revision;
      this.#fill(run.instances);
    });
  }

  #prepare({ rollout, revision, instances }: NonNullable<Plan["prepare"]>): void {
    const gate = { rollout, revision, instances, isUp: false };
    this.#gate = gate;
    this.#work(this.#startMs(), () => {
      if (this.#order.prepare?.rollout !== rollout && this.#order.run?.revision !== revision) this.#gate = undefined;
      else if (this.#options.fails()) {
        this.#gate = undefined;
        this.#failed = { revision, rollout, error: { code: "deploy_failed", message: "It does not start here." } };
      } else gate.isUp = true;
    });
  }

  #switchTo(revision: number, instances: number): void {
    this.#gate = undefined;
    this.#failed = undefined;
    this.#running = revision;
    this.#instances = [];
    this.#fill(instances);
    this.#options.onChange();
  }

  #dropGate(): void {
    this.#gate = undefined;
    this.#options.onChange();
  }

  /** Takes no more messages at once, and ends when those that it has are done. */
  #stop(): void {
    this.#running = 0;
    this.#instances = [];
    this.#work(this.#options.random.between(1, 50), () => undefined);
  }

  #fill(count: number): void {
    while (this.#instances.length < count) this.#instances.push(`i${this.#made++}`);
  }

  #startMs(): number {
    return this.#options.random.between(5, 300);
  }

  #work(ms: number, done: () => void): void {
    const { clock, isAlive, onChange } = this.#options;
    this.#isBusy = true;
    clock.after(ms, () => {
      if (!isAlive()) return;
      this.#isBusy = false;
      done();
      this.#step();
      onChange();
    });
  }
}
