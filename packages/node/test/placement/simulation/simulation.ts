import { mismatch } from "../../../src/placement/node-offer.ts";
import type { Needs } from "../../../src/registry/records.ts";
import { Clock, Random } from "./clock.ts";
import { Coordinator } from "./coordinator.ts";
import { SimNode, type World } from "./sim-node.ts";
import { Store } from "./store.ts";

/** All that was under way has ended after so long without anything new, ms. */
const QUIET_MS = 90_000;

/** In the last part of that nothing is written any more, ms. */
const STILL_MS = 20_000;

/** In that time, by retries of what does not start. */
const RETRY_WRITES = 40;

const TRACED = 200;

/** Longer than any simulation takes, ms. */
const LONGEST_MS = 1_000_000;

export interface Outcome {
  /** What was wrong; empty if nothing was. */
  readonly faults: readonly string[];
  readonly trace: readonly string[];
  readonly writes: number;
}

/** A fleet from its start until all is quiet, with deploys and stops, and unless it is calm with faults of all kinds. */
export class Simulation {
  readonly #random: Random;
  readonly #clock: Clock = new Clock();
  readonly #store: Store = new Store();
  readonly #nodes: Map<string, SimNode> = new Map();
  readonly #world: World;
  readonly #coordinator: Coordinator;
  readonly #isCalm: boolean;
  readonly #faults: string[] = [];
  readonly #trace: string[] = [];
  readonly #workloads: string[];
  /** Being deployed: one deploy of each workload at a time. */
  readonly #deploying: Set<string> = new Set();
  /** Up since it was deployed, and not stopped: messages to it must find somebody. */
  readonly #served: Set<string> = new Set();
  #unanswered = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#isCalm = this.#random.chance(0.3);
    this.#world = {
      clock: this.#clock,
      random: this.#random,
      store: this.#store,
      nodes: this.#nodes,
      trace: (line) => {
        this.#trace.push(`${this.#clock.now} ${line}`);
        if (this.#trace.length > TRACED) this.#trace.shift();
      },
    };
    this.#coordinator = new Coordinator(this.#world);
    this.#store.onWrite = (id) => this.#tell(id);
    for (let at = this.#random.between(2, 6); at > 0; at--) this.#startNode(`n${at}`);
    this.#workloads = Array.from({ length: this.#random.between(1, 4) }, (_, at) => `default/w${at}`);
  }

  run(): Outcome {
    const operations = this.#random.between(10, 30);
    for (let at = 0, when = 2000; at < operations; at++) {
      when += this.#random.between(10, this.#random.chance(0.2) ? 20_000 : 2000);
      this.#clock.after(when, () => this.#operate());
      if (at === operations - 1) this.#clock.after(when + 1, () => this.#heal());
    }
    this.#clock.run(LONGEST_MS, () => this.#checkServed());
    return { faults: this.#faults, trace: this.#trace, writes: this.#store.writes };
  }

  #startNode(id: string): void {
    const tags = { zone: this.#nodes.get(id)?.tags["zone"] ?? this.#random.pick(["a", "b"]) };
    const node = new SimNode(this.#world, id, tags, `b${this.#clock.now}-${this.#random.between(0, 1e9)}`);
    this.#nodes.set(id, node);
  }

  /** Hints: some are lost, and none reach a node that is cut off. */
  #tell(id: string): void {
    for (const node of this.#nodes.values()) if (node.isConnected && !this.#random.chance(0.05)) node.hint(id);
  }

  #operate(): void {
    const id = this.#random.pick(this.#workloads);
    const node = this.#random.pick([...this.#nodes.values()]);
    const choice = this.#random.next();
    if (choice < 0.45) this.#deploy(node, id);
    else if (choice < 0.55) this.#stop(node, id);
    else if (choice < 0.65) this.#enterLameDuck(node);
    else if (!this.#isCalm) this.#fault(node, id);
  }

  #deploy(node: SimNode, id: string): void {
    if (!node.isConnected || node.isLameDuck || this.#deploying.has(id)) return;
    const tags = this.#random.chance(0.25) ? { tags: { zone: this.#random.pick(["a", "b"]) } } : {};
    const needs: Needs = { kind: "javascript", ...tags };
    const before = this.#store.workload(id).value?.current ?? 0;
    this.#deploying.add(id);
    this.#unanswered++;
    this.#coordinator.deploy(node, id, this.#random.between(1, 4), needs, (how) => {
      this.#deploying.delete(id);
      this.#unanswered--;
      const now = this.#store.workload(id).value?.current ?? 0;
      if (how === "failed" && now !== before && now !== 0)
        this.#fail(`${id} is at ${now} after a failed deploy, was at ${before}`);
    });
  }

  #stop(node: SimNode, id: string): void {
    if (!node.isConnected) return;
    const { value, sequence } = this.#store.workload(id);
    if (value === undefined) return;
    this.#served.delete(id);
    this.#world.trace(`${node.id} stops ${id}`);
    this.#store.writeWorkload(id, undefined, sequence);
    node.read(id);
  }

  /** One at least stays that takes over. */
  #enterLameDuck(node: SimNode): void {
    const others = [...this.#nodes.values()].filter((other) => other !== node && other.isAlive && !other.isLameDuck);
    if (others.length === 0 || !node.isAlive) return;
    this.#world.trace(`${node.id} enters lame duck mode`);
    node.isLameDuck = true;
  }

  #fault(node: SimNode, id: string): void {
    const { trace } = this.#world;
    const choice = this.#random.next();
    if (choice < 0.4 && node.isAlive) {
      trace(`${node.id} dies`);
      node.isAlive = false;
      const back = this.#random.between(100, 25_000);
      if (this.#random.chance(0.7)) this.#clock.after(back, () => this.#comeBack(node.id));
    } else if (choice < 0.7 && node.isConnected) {
      trace(`${node.id} is cut off`);
      node.isCut = true;
      this.#clock.after(this.#random.between(100, 30_000), () => this.#rejoin(node));
    } else if (node.failing.has(id)) node.failing.delete(id);
    else node.failing.add(id);
  }

  #comeBack(id: string): void {
    if (this.#nodes.get(id)!.isAlive) return;
    this.#world.trace(`${id} is back`);
    this.#startNode(id);
  }

  #rejoin(node: SimNode): void {
    if (!node.isAlive || !node.isCut) return;
    this.#world.trace(`${node.id} rejoins`);
    node.isCut = false;
    node.resync();
  }

  #heal(): void {
    this.#world.trace("everything is whole again");
    for (const node of this.#nodes.values()) this.#rejoin(node);
    this.#clock.after(QUIET_MS - STILL_MS, () => {
      const before = this.#store.writes;
      this.#clock.after(STILL_MS, () => {
        // Nodes try again now and then what does not start on them.
        const isFailing = [...this.#nodes.values()].some(({ failing }) => failing.size > 0);
        const written = this.#store.writes - before;
        if (written > (isFailing ? RETRY_WRITES : 0)) this.#fail(`${written} writes while nothing happens`);
        this.#checkEnd();
        this.#clock.after(0, () => this.#halt());
      });
    });
  }

  #halt(): void {
    for (const node of this.#nodes.values()) node.isAlive = false;
  }

  /** Where nothing breaks, a workload that is up takes messages without a gap until it is stopped. */
  #checkServed(): void {
    if (!this.#isCalm) return;
    for (const id of this.#workloads) {
      const record = this.#store.workload(id).value;
      const isTaker = ({ local }: SimNode): boolean => {
        const state = local.get(id)?.state;
        return state !== undefined && state.running > 0 && state.birth === record?.birth;
      };
      if (record === undefined) this.#served.delete(id);
      else if ([...this.#nodes.values()].some(isTaker)) this.#served.add(id);
      else if (this.#served.delete(id) && [...this.#nodes.values()].some(({ isAlive }) => isAlive))
        this.#fail(`nobody takes messages for ${id}`);
    }
  }

  #checkEnd(): void {
    if (this.#unanswered > 0) this.#fail(`${this.#unanswered} deploys without an answer`);
    for (const id of this.#workloads) this.#checkWorkload(id);
  }

  #checkWorkload(id: string): void {
    const record = this.#store.workload(id).value;
    const alive = [...this.#nodes.values()].filter((node) => node.isAlive);
    if (alive.length === 0) return;
    const running = alive.flatMap((node) => node.local.get(id)?.state.instances.map(() => node.id) ?? []);
    const slots = this.#store.slotsOf(id);
    if (record === undefined) {
      if (running.length > 0) this.#fail(`${id} is stopped and runs on ${running.join(", ")}`);
      if (slots.size > 0) this.#fail(`${id} is stopped and has slots ${JSON.stringify([...slots])}`);
      return;
    }
    if (record.rollout !== undefined) this.#fail(`${id} has a rollout left`);
    const fit = alive.filter((node) => mismatch({ id: node.id, offer: node.offer }, record.needs) === undefined);
    if (!fit.some(({ isLameDuck, failing }) => !isLameDuck && !failing.has(id))) return;
    if (running.length !== record.replicas) this.#fail(`${id} has ${running.length} of ${record.replicas} instances`);
    for (const node of alive) {
      const at = node.local.get(id)?.state.running ?? 0;
      if (at !== 0 && at !== record.current) this.#fail(`${node.id} runs ${id} at ${at} instead of ${record.current}`);
      if (at !== 0 && !fit.includes(node)) this.#fail(`${node.id} runs ${id} and does not fit`);
      if (at !== 0 && node.isLameDuck) this.#fail(`${node.id} runs ${id} and is a lame duck`);
      const held = [...slots.values()].filter(({ value }) => value?.node === node.id).length;
      const count = node.local.get(id)?.state.instances.length ?? 0;
      if (held !== count) this.#fail(`${node.id} holds ${held} slots of ${id} and runs ${count} instances`);
    }
    if (slots.size !== record.replicas) this.#fail(`${id} has ${slots.size} slots for ${record.replicas} replicas`);
  }

  #fail(fault: string): void {
    if (this.#faults.length < 10) this.#faults.push(`${this.#clock.now} ${fault}`);
  }
}
