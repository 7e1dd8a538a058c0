import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { eventSubject, logSubject, parseEventSubject, parseLogSubject } from "../../src/feeds/subjects.ts";
import { throwsCode } from "../expect-nex-error.ts";

const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);

describe("subjects of events and logs", () => {
  it("come back as they went", () => {
    fc.assert(
      fc.property(names, names, names, names, (namespace, node, id, workload) => {
        const source = { namespace, node, id, workload };
        assert.equal(logSubject(source), `$NEX.logs.${namespace}.${node}.${id}.${workload}`);
        assert.deepEqual(parseLogSubject(logSubject(source)), { ...source, isSwapped: false });
        assert.deepEqual(parseEventSubject(eventSubject(namespace, id)), { namespace, type: id });
      }),
    );
  });

  it("take in everything where nothing is said", () => {
    assert.equal(logSubject(), "$NEX.logs.*.*.*.*");
    assert.equal(logSubject({ namespace: "default", workload: "w" }), "$NEX.logs.default.*.*.w");
    assert.equal(eventSubject(), "$NEX.events.*.*");
  });

  it("tell name and id apart where 0.2.7 swaps them", () => {
    const source = { namespace: "ns", node: "N", id: "cq1", workload: "w" };
    assert.deepEqual(parseLogSubject("$NEX.logs.ns.N.w.cq1", "cq1"), { ...source, isSwapped: true });
    assert.deepEqual(parseLogSubject("$NEX.logs.ns.N.cq1.w", "cq1"), { ...source, isSwapped: false });
    assert.deepEqual(parseLogSubject("$NEX.logs.ns.N.cq1.w", "else"), { ...source, isSwapped: false });
  });

  it("are nothing else", () => {
    for (const subject of [
      "",
      "$NEX.logs",
      "$NEX.logs.system.N.stdout",
      "$NEX.logs.a.b.c.d.e",
      "$NEX.logs.a..c.d",
      "$NEX.logsx.a.b.c.d",
    ]) {
      assert.equal(parseLogSubject(subject), undefined, subject);
    }
    for (const subject of ["$NEX.events.ns", "$NEX.events.ns.a.b", "$NEX.events..a", "events.ns.a"]) {
      assert.equal(parseEventSubject(subject), undefined, subject);
    }
    throwsCode("invalid_name", () => eventSubject("a.b", "x"));
    throwsCode("invalid_name", () => logSubject({ workload: ">" }));
  });
});
