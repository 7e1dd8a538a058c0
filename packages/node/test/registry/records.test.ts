import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isNexError } from "@nex/protocol";
import {
  readNexus,
  readRevision,
  readSlot,
  readWorkload,
  type SlotRecord,
  type WorkloadRecord,
  writeRecord,
} from "../../src/registry/records.ts";

const positive = fc.integer({ min: 1, max: 2 ** 31 });
const text = fc.string({ minLength: 1, maxLength: 40 });
const plain = { noNullPrototype: true } as const;

const needs = fc.record(
  {
    kind: fc.constantFrom("elf", "javascript", "wasm"),
    node: text,
    tags: fc.dictionary(fc.stringMatching(/^[a-z.]{1,10}$/), text, { noNullPrototype: true }),
    memoryBytes: positive,
  },
  { requiredKeys: ["kind"], ...plain },
) as fc.Arbitrary<WorkloadRecord["needs"]>;

const replicas = fc.integer({ min: 1, max: 1000 });

const workload: fc.Arbitrary<WorkloadRecord> = fc.record(
  {
    birth: text,
    owner: text,
    last: positive,
    current: fc.nat(),
    kept: fc.array(
      fc.record(
        {
          revision: positive,
          sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
          size: fc.nat(),
          deployedAt: fc.constant("2026-11-27T10:00:00.000Z"),
        },
        plain,
      ),
      { maxLength: 5 },
    ),
    replicas,
    needs,
    rollout: fc.record({ id: text, revision: positive, replicas, needs, node: text, boot: text }, plain),
  },
  { requiredKeys: ["birth", "owner", "last", "current", "kept", "replicas", "needs"], ...plain },
) as fc.Arbitrary<WorkloadRecord>;

const failure = fc.record({ code: text, message: text }, plain);

const slot = fc.record(
  {
    birth: text,
    node: text,
    revision: fc.nat(),
    state: fc.constantFrom("starting", "running", "failed", "ended"),
    next: fc.record({ rollout: text, error: failure }, { requiredKeys: ["rollout"], ...plain }),
    instance: text,
    error: failure,
    restarts: fc.nat(),
    from: text,
    tried: fc.array(text, { maxLength: 3 }),
  },
  { requiredKeys: ["birth", "node", "revision", "state", "restarts"], ...plain },
) as fc.Arbitrary<SlotRecord>;

test("slots and workloads come back as they were written", () => {
  fc.assert(fc.property(slot, (record) => assert.deepEqual(readSlot("slot.a.b.0", writeRecord(record)), record)));
  fc.assert(
    fc.property(workload, (record) => assert.deepEqual(readWorkload("workload.a.b", writeRecord(record)), record)),
  );
});

test("any other bytes are record_unreadable, with the key, and never anything else", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => Buffer.from(json)),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ v: 1, request: value, revision: value }))),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      for (const read of [readSlot, readWorkload, readRevision, readNexus]) {
        assert.throws(
          () => read("the.key", input),
          (error) => isNexError(error) && error.code === "record_unreadable" && error.message.includes("the.key"),
        );
      }
    }),
  );
});
