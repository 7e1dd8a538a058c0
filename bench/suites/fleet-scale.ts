import {
  type FleetNode,
  type FleetView,
  type LocalState,
  NOTHING_LOCAL,
  reconcile,
  type SlotRecord,
  type WorkloadRecord,
  type WorkloadView,
} from "@nex/node/placement";
import { type Figure, figure } from "../figures/figure.ts";
import type { Suite } from "./suite.ts";

const SIZES = [10, 100, 1000] as const;
const SLOTS_PER_NODE = 100;
const SLOTS_PER_WORKLOAD = 4;
const ROUNDS = 5;

/**
 * What the decisions of one node cost as a fleet grows. Traffic does not need measuring: a slot that moves is two
 * writes (taken, runs), each told to all nodes and read by all, whatever the size of the fleet.
 */
export const fleetScale: Suite = {
  name: "fleet-scale",
  title: `decisions of one node, with ${SLOTS_PER_NODE} slots a node`,
  async run({ progress }) {
    const figures: Figure[] = [];
    for (const nodes of SIZES) {
      const slots = nodes * SLOTS_PER_NODE;
      progress(`${nodes} nodes, ${slots} slots`);
      const fleet = makeFleet(nodes);
      const settled: number[] = [];
      const died: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        settled.push(lookAtAll(fleet.workloads, view(fleet.nodes)));
        died.push(lookAtAll(fleet.workloads, view(fleet.nodes, "N1")));
        // Other things have their turn as well.
        await new Promise((done) => setImmediate(done));
      }
      const meaning = { unit: "ms", better: "lower" } as const;
      figures.push(
        figure(
          { ...meaning, key: `settled-${nodes}`, title: `a look at all ${slots} slots of ${nodes} nodes` },
          settled,
        ),
        figure({ ...meaning, key: `died-${nodes}`, title: "the same when one of them has died" }, died),
      );
    }
    return figures;
  },
};

interface ModelFleet {
  readonly nodes: ReadonlyMap<string, FleetNode>;
  readonly workloads: readonly WorkloadView[];
}

function makeFleet(count: number): ModelFleet {
  const offer = { kinds: ["javascript"], tags: {}, cpus: 4, memoryFree: 2 ** 34, instances: SLOTS_PER_NODE } as const;
  const ids = Array.from({ length: count }, (_, at) => `N${at}`);
  const nodes = new Map(ids.map((id) => [id, { id, offer: { ...offer, isLameDuck: false } }]));
  const total = (count * SLOTS_PER_NODE) / SLOTS_PER_WORKLOAD;
  const workloads = Array.from({ length: total }, (_, at): WorkloadView => {
    const slots = Array.from({ length: SLOTS_PER_WORKLOAD }, (__, slot): [number, SlotRecord] => {
      const node = ids[(at * SLOTS_PER_WORKLOAD + slot) % count]!;
      return [slot, { birth: "b", node, revision: 1, state: "running", instance: "i", restarts: 0 }];
    });
    const record: WorkloadRecord = {
      birth: "b",
      owner: "A",
      last: 1,
      current: 1,
      kept: [],
      replicas: SLOTS_PER_WORKLOAD,
      needs: { kind: "javascript" },
    };
    return { id: `default/w${at}`, record, slots: new Map(slots), unreadableSlots: new Set() };
  });
  return { nodes, workloads };
}

function view(nodes: ReadonlyMap<string, FleetNode>, dead?: string): FleetView {
  const there = new Map([...nodes].filter(([id]) => id !== dead));
  return { self: "N0", now: 0, nodes: there, isDead: (id) => id === dead, isOtherStart: () => false };
}

/** ms */
function lookAtAll(workloads: readonly WorkloadView[], fleet: FleetView): number {
  const began = performance.now();
  for (const workload of workloads) reconcile(fleet, workload, localOf(workload), new Map());
  return performance.now() - began;
}

function localOf({ slots }: WorkloadView): LocalState {
  const mine = [...slots.values()].filter(({ node }) => node === "N0").length;
  if (mine === 0) return NOTHING_LOCAL;
  return { ...NOTHING_LOCAL, birth: "b", running: 1, instances: Array.from({ length: mine }, () => "i") };
}
