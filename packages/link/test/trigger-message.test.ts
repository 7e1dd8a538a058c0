import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeReply, decodeTrigger, encodeReplyHead, encodeTriggerHead, type HeaderList } from "@nex/link";

/** Text that survives UTF-8. */
const text = fc.string({ unit: "binary", maxLength: 60 });
const headers: fc.Arbitrary<HeaderList> = fc.array(fc.tuple(text, text), { maxLength: 12 });
const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

function onlyRangeErrors(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
  }
}

describe("trigger messages", () => {
  it("come out as they went in", () => {
    fc.assert(
      fc.property(fc.nat(65_535), text, headers, payload, (patternIndex, subject, list, bytes) => {
        const found = decodeTrigger(Buffer.concat([encodeTriggerHead(patternIndex, subject, list), bytes]));
        assert.deepEqual(
          { ...found, payload: found.payload.toString("hex") },
          { patternIndex, subject, headers: list, payload: bytes.toString("hex") },
        );
      }),
    );
  });

  it("are refused with a RangeError wherever they are cut short within their head", () => {
    fc.assert(
      fc.property(text, headers, (subject, list) => {
        const head = encodeTriggerHead(0, subject, list);
        for (let length = 0; length < head.length; length++) {
          assert.throws(() => decodeTrigger(head.subarray(0, length)), RangeError, `${length} of ${head.length} bytes`);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("that are junk cause a RangeError at most", () => {
    fc.assert(
      fc.property(payload, (junk) => {
        onlyRangeErrors(() => decodeTrigger(junk));
        onlyRangeErrors(() => decodeReply(junk));
      }),
      { numRuns: 2000 },
    );
  });

  it("carry a header whose name alone is larger than 64 KiB, as NATS does", () => {
    const list: HeaderList = [["n".repeat(70_000), "v".repeat(70_000)]];
    assert.deepEqual(decodeTrigger(encodeTriggerHead(0, "a", list)).headers, list);
    assert.deepEqual(decodeReply(encodeReplyHead(list)).headers, list);
  });

  it("carry more headers than fit a 16-bit count", () => {
    const list: HeaderList = Array.from({ length: 70_000 }, () => ["n", ""] as const);
    assert.equal(decodeReply(encodeReplyHead(list)).headers.length, 70_000);
  });

  it("carry a subject longer than 64 KiB, as a server with a raised max_control_line allows", () => {
    const subject = "s".repeat(70_000);
    assert.equal(decodeTrigger(encodeTriggerHead(0, subject)).subject, subject);
  });
});

describe("replies", () => {
  it("come out as they went in", () => {
    fc.assert(
      fc.property(headers, payload, (list, bytes) => {
        const found = decodeReply(Buffer.concat([encodeReplyHead(list), bytes]));
        assert.deepEqual(found.headers, list);
        assert.ok(found.payload.equals(bytes));
      }),
    );
  });

  it("that claim more headers than they hold are refused without reserving memory for them", () => {
    const lie = Buffer.alloc(16, 0xff);
    assert.throws(() => decodeReply(lie), RangeError);
  });

  it("share one head when they have no headers", () => {
    assert.equal(encodeReplyHead(), encodeReplyHead([]));
  });
});
