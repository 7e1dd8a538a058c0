import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkName, isName, legacyKind, parseKind, WORKLOAD_KINDS } from "../../src/workloads/names.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

describe("names", () => {
  it("are 1 to 63 letters, digits, _ and -", () => {
    for (const name of ["a", "A-b_9", "x".repeat(63)]) assert.equal(checkName("workload", name), name);
    for (const name of ["", "a.b", "a b", "é", "a\n", "*", ">", "x".repeat(64)]) {
      throwsCode("invalid_name", () => checkName("workload", name), /1 to 63/);
    }
    fc.assert(
      fc.property(fc.string(), (text) =>
        assert.equal(
          onlyNexErrors(() => checkName("workload", text)),
          isName(text),
        ),
      ),
    );
  });

  it("leave the namespace of the nodes alone", () => {
    throwsCode("invalid_name", () => checkName("namespace", "System"), /nodes' own events/);
    assert.equal(checkName("workload", "system"), "system");
  });
});

describe("kinds", () => {
  it("are read in our words and 0.2.7's, and go back to the latter", () => {
    for (const kind of WORKLOAD_KINDS) {
      assert.equal(parseKind(kind), kind);
      assert.equal(parseKind(legacyKind(kind)), kind);
    }
    for (const other of ["oci", "", "ELF", "constructor"]) assert.equal(parseKind(other), undefined);
  });
});
