import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isNexError } from "@nex/protocol";
import { readRevision, readSlot, readWorkload, writeSlot, writeWorkload } from "../../src/registry/records.ts";

const positive = fc.integer({ min: 1, max: 2 ** 31 });

test("slots and workloads come back as they were written", () => {
  const plain = { noNullPrototype: true };
  const slot = fc.record(
    {
      revision: positive,
      kept: fc.array(positive, { maxLength: 5 }),
      restarts: fc.nat(),
      ended: fc.boolean(),
    },
    plain,
  );
  fc.assert(fc.property(slot, (record) => assert.deepEqual(readSlot("slot.a.b.c", writeSlot(record)), record)));
  const workload = fc.record({ owner: fc.string({ minLength: 1 }), last: positive }, plain);
  fc.assert(
    fc.property(workload, (record) => assert.deepEqual(readWorkload("workload.a.b", writeWorkload(record)), record)),
  );
});

test("any other bytes are record_unreadable, with the key, and never anything else", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ v: 1, request: value, revision: value }))),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      for (const read of [readSlot, readWorkload, readRevision]) {
        assert.throws(
          () => read("the.key", input),
          (error) => isNexError(error) && error.code === "record_unreadable" && error.message.includes("the.key"),
        );
      }
    }),
  );
});
