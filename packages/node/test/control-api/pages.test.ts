import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkloadDetail, WorkloadsRequest } from "@nex/protocol";
import fc from "fast-check";
import { fitting, PAGE_BYTES, pageOf } from "../../src/control-api/endpoints/pages.ts";

/** What a function of that name looks like in a list, with a description of so many characters. */
function workload(name: string, characters: number): { readonly name: string; describe(): WorkloadDetail } {
  const detail: WorkloadDetail = {
    name,
    namespace: "default",
    kind: "javascript",
    revision: 1,
    state: "running",
    triggers: [name],
    restarts: 0,
    instances: [],
    invocations: { ok: 0, failed: 0, in_flight: 0 },
    revisions: [],
    deadline_ms: 5000,
    max_in_flight: 64,
    tags: {},
    description: "x".repeat(characters),
  };
  return { name, describe: () => detail };
}

/** The names on each page, until there are no more. */
function allPages(workloads: readonly ReturnType<typeof workload>[], request: WorkloadsRequest = {}): string[][] {
  const pages: string[][] = [];
  for (let after = ""; ;) {
    const page = pageOf(workloads, { ...request, after });
    pages.push(page.workloads.map(({ name }) => name));
    assert.ok(page.workloads.length <= 1 || Buffer.byteLength(JSON.stringify(page.workloads)) < PAGE_BYTES * 1.1);
    if (page.next === undefined) return pages;
    after = page.next;
  }
}

describe("pages of workloads", () => {
  it("together hold every workload once, in the order of their names", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/), { maxLength: 30 });
    fc.assert(
      fc.property(names, fc.array(fc.nat({ max: 300_000 }), { minLength: 30, maxLength: 30 }), (all, sizes) => {
        const workloads = all.map((name, index) => workload(name, sizes[index]!));
        assert.deepEqual(allPages(workloads).flat(), all.toSorted());
      }),
      { numRuns: 50 },
    );
  });

  it("are few for thousands of ordinary ones, and one for a name", () => {
    const thousands = Array.from({ length: 10_000 }, (_, index) => workload(`fn-${index}`, 40));
    const pages = allPages(thousands);
    assert.equal(pages.flat().length, 10_000);
    assert.ok(pages.length < 12, String(pages.length));
    assert.deepEqual(allPages(thousands, { name: "fn-777" }), [["fn-777"]]);
    assert.deepEqual(allPages(thousands, { name: "nobody" }), [[]]);
    assert.deepEqual(allPages([]), [[]]);
  });

  it("hold one at least, however large", () => {
    const large = workload("large", PAGE_BYTES * 2).describe();
    assert.equal(fitting([large, large]), 1);
    assert.equal(fitting([]), 0);
  });
});
