import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FleetNode, NodeOffer } from "../../src/placement/node-offer.ts";
import { mismatch, unfit } from "../../src/placement/node-offer.ts";
import { rankNodes } from "../../src/placement/rank-nodes.ts";

const GIB = 2 ** 30;

function node(id: string, offer: Partial<NodeOffer> = {}): FleetNode {
  const plain = { kinds: ["javascript"] as const, tags: {}, cpus: 2, memoryFree: 8 * GIB, instances: 0 };
  return { id, offer: { ...plain, isLameDuck: false, ...offer } };
}

const nodes = fc.uniqueArray(fc.stringMatching(/^[A-Z]{3}$/), { minLength: 1, maxLength: 8 }).chain((ids) =>
  fc.tuple(
    ...ids.map((id) =>
      fc
        .record({
          memoryFree: fc.integer({ min: 0, max: 64 * GIB }),
          instances: fc.nat(200),
          places: fc.option(fc.nat(20), { nil: undefined }),
          isLameDuck: fc.boolean(),
          tags: fc.constantFrom({}, { zone: "a" }, { zone: "B" }),
        })
        .map(({ places, ...offer }) => node(id, { ...offer, ...(places === undefined ? {} : { places }) })),
    ),
  ),
);

const plain = { needs: { kind: "javascript" }, held: new Map<string, number>(), tried: () => [] } as const;

describe("the ranking of nodes for free slots", () => {
  it("is the same in whatever order the nodes are known", () => {
    fc.assert(
      fc.property(nodes, fc.array(fc.nat(8), { maxLength: 4 }), (all, free) => {
        const candidates = { ...plain, id: "a/b", free: [...new Set(free)] };
        assert.deepEqual(rankNodes(all, candidates), rankNodes([...all].reverse(), candidates));
      }),
    );
  });

  it("has every node that fits, once, and no other", () => {
    fc.assert(
      fc.property(nodes, (all) => {
        const needs = { kind: "javascript", tags: { zone: "b" } } as const;
        const ranked = rankNodes(all, { ...plain, id: "a/b", needs, free: [0] }).get(0)!;
        const fit = all.filter((each) => unfit(each, needs) === undefined).map(({ id }) => id);
        assert.deepEqual([...ranked].sort(), fit.sort());
      }),
    );
  });

  it("spreads the replicas of a workload: no two nodes differ by more than one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 20 }), (count, replicas) => {
        const all = Array.from({ length: count }, (_, at) => node(`N${at}`));
        const free = Array.from({ length: replicas }, (_, at) => at);
        const counts = new Map(all.map(({ id }) => [id, 0]));
        for (const [first] of rankNodes(all, { ...plain, id: "a/b", free }).values())
          counts.set(first!, counts.get(first!)! + 1);
        assert.ok(Math.max(...counts.values()) - Math.min(...counts.values()) <= 1);
      }),
    );
  });

  it("gives nodes their share by the room that they have", () => {
    const all = [node("SMALL", { memoryFree: 2 * GIB }), node("LARGE", { memoryFree: 6 * GIB })];
    let large = 0;
    for (let at = 0; at < 4000; at++)
      if (rankNodes(all, { ...plain, id: `a/w${at}`, free: [0] }).get(0)![0] === "LARGE") large++;
    assert.ok(large > 2800 && large < 3200, `${large} of 4000`);
  });

  it("moves nothing between the nodes that stay when one leaves", () => {
    const all = Array.from({ length: 6 }, (_, at) => node(`N${at}`));
    const first = (from: readonly FleetNode[], at: number): string =>
      rankNodes(from, { ...plain, id: `a/w${at}`, free: [0] }).get(0)![0]!;
    for (let at = 0; at < 500; at++) {
      const before = first(all, at);
      if (before !== "N3")
        assert.equal(
          first(
            all.filter(({ id }) => id !== "N3"),
            at,
          ),
          before,
        );
    }
  });

  it("takes the node that a client chose first, and nodes that have tried never", () => {
    const all = [node("A"), node("B"), node("C")];
    const ranked = rankNodes(all, { ...plain, id: "a/b", free: [0, 1], preferred: "C", tried: () => ["A"] });
    assert.deepEqual(
      [ranked.get(0), ranked.get(1)],
      [
        ["C", "B"],
        ["B", "C"],
      ],
    );
  });
});

it("a node that does not fit is told why", () => {
  const needs = { kind: "javascript", tags: { zone: "a" }, memoryBytes: GIB } as const;
  const tags = { zone: "A" };
  assert.equal(unfit(node("A", { tags }), needs), undefined);
  assert.equal(unfit(node("A"), needs), "has no tag zone");
  assert.equal(unfit(node("A", { tags: { zone: "b" } }), needs), "has the tag zone=b, not a");
  assert.equal(unfit(node("A", { tags, isLameDuck: true }), needs), "is in lame duck mode");
  assert.equal(unfit(node("A", { tags, places: 0 }), needs), "is full (max_instances)");
  assert.equal(unfit(node("A", { tags, memoryFree: 5 }), needs), "has not enough free memory");
  assert.equal(unfit(node("A", { tags, kinds: ["elf"] }), needs), "does not run javascript workloads");
  assert.equal(unfit(node("A", { tags }), { ...needs, node: "B" }), "is not the node B");
  // What changes by the minute is no reason to move what runs.
  assert.equal(mismatch(node("A", { tags, places: 0, memoryFree: 5, isLameDuck: true }), needs), undefined);
});
