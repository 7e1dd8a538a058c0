import { NexError } from "@nex/protocol";
import { rolloutOutcome } from "../../../src/placement/rollout-outcome.ts";
import type { Needs, Rollout, WorkloadRecord } from "../../../src/registry/records.ts";
import type { SimNode, World } from "./sim-node.ts";

const LOOK_MS = 25;
const GIVEN_UP_MS = 120_000;

/** How a deploy ended; `lost` with the node that drove it. */
export type Answer = "committed" | "failed" | "lost";

/** A deploy as the node that takes it drives it: see `placement/rollouts.ts`. */
export class Coordinator {
  readonly #world: World;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  deploy(node: SimNode, id: string, replicas: number, needs: Needs, answer: (how: Answer) => void): void {
    const { store, clock, trace } = this.#world;
    const { value: before, sequence } = store.workload(id);
    if (before?.rollout !== undefined && !node.view().isOtherStart(before.rollout.node, before.rollout.boot))
      return answer("failed");
    const revision = (before?.last ?? 0) + 1;
    const rollout = { id: `r${this.#count++}`, revision, replicas, needs, node: node.id, boot: node.boot };
    const fresh = { birth: `w${this.#count++}`, owner: "A", current: 0, kept: [], replicas, needs };
    if (!store.writeWorkload(id, { ...(before ?? fresh), last: revision, rollout }, sequence)) return answer("failed");
    trace(`${node.id} deploys ${id} revision ${revision} with ${replicas} replicas ${JSON.stringify(needs)}`);
    node.read(id);
    const begun = clock.now;
    const look = (): void => {
      if (!node.isAlive) return answer("lost");
      if (node.isCut) return clock.after(LOOK_MS, look);
      const record = store.workload(id).value;
      const all = [...store.slotsOf(id)].map(([at, { value }]) => [at, value!] as const);
      const slots = new Map(all.filter(([, { birth }]) => birth === record?.birth));
      const elapsed = clock.now - begun;
      const outcome = rolloutOutcome(node.view(), rollout, record, slots, elapsed);
      if (outcome === "pending" && elapsed < GIVEN_UP_MS) return clock.after(LOOK_MS, look);
      if (outcome === "ready") return this.#commit(node, id, rollout, answer);
      trace(
        `${node.id} takes ${id} revision ${revision} back: ${outcome instanceof NexError ? outcome.code : outcome}`,
      );
      this.#takeBack(node, id, rollout);
      answer("failed");
    };
    clock.after(1, look);
  }

  #commit(node: SimNode, id: string, rollout: Rollout, answer: (how: Answer) => void): void {
    const { store, trace } = this.#world;
    const { value, sequence } = store.workload(id);
    if (value?.rollout?.id !== rollout.id) return answer("failed");
    const { rollout: _, ...rest } = value;
    const { revision: current, replicas, needs } = rollout;
    const next: WorkloadRecord = { ...rest, current, replicas, needs };
    trace(`${node.id} commits ${id} revision ${current}`);
    answer(store.writeWorkload(id, next, sequence) ? "committed" : "failed");
    node.read(id);
  }

  #takeBack(node: SimNode, id: string, rollout: Rollout): void {
    const { store } = this.#world;
    const { value, sequence } = store.workload(id);
    if (value?.rollout?.id !== rollout.id) return;
    const { rollout: _, ...rest } = value;
    store.writeWorkload(id, rest.current > 0 ? rest : undefined, sequence);
    node.read(id);
  }
}
