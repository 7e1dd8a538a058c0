import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { Reply, encodeReply } from "@nex/functions/internal";
import fc from "fast-check";

const bytesOf = (value: unknown): Uint8Array => encodeReply(value).payload;
const text = (payload: Uint8Array): string => Buffer.from(payload).toString("utf8");

describe("a reply's payload", () => {
  it("sends strings as they are", () => {
    assert.equal(text(bytesOf('grüße "x"')), 'grüße "x"');
    assert.equal(bytesOf("").length, 0);
  });

  it("takes bytes over without copying them", () => {
    const bytes = new Uint8Array([1, 2, 255]);
    assert.equal(bytesOf(bytes), bytes);
  });

  it("sends exactly the part a view shows", () => {
    const { buffer } = new Uint8Array([1, 2, 3, 4]);
    assert.deepEqual([...bytesOf(new DataView(buffer, 1, 2))], [2, 3]);
    assert.deepEqual([...bytesOf(new Uint16Array(buffer, 2, 1))], [3, 4]);
    assert.deepEqual([...bytesOf(buffer)], [1, 2, 3, 4]);
    assert.deepEqual([...bytesOf(new SharedArrayBuffer(2))], [0, 0]);
  });

  it("knows bytes from another realm", () => {
    assert.deepEqual([...bytesOf(runInNewContext("new Uint8Array([7, 8])"))], [7, 8]);
    assert.deepEqual([...bytesOf(runInNewContext("new Uint8Array([7, 8]).buffer"))], [7, 8]);
  });

  it("sends undefined as nothing and null as JSON", () => {
    assert.equal(bytesOf(undefined).length, 0);
    assert.equal(text(bytesOf(null)), "null");
  });

  it("sends everything else as JSON", () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => typeof value !== "string"),
        (value) => assert.equal(text(bytesOf(value)), JSON.stringify(value)),
      ),
    );
  });

  it("says why a value has no JSON form", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    assert.throws(() => bytesOf({ n: 1n }), { code: "function_failed", message: /BigInt/ });
    assert.throws(() => bytesOf(cycle), {
      code: "function_failed",
      message: /cannot be sent: Converting circular structure to JSON\. Return/,
    });
    assert.throws(() => bytesOf(() => 1), { code: "function_failed", message: /no form for a function/ });
    assert.throws(() => bytesOf(Symbol("x")), { code: "function_failed", message: /no form for a symbol/ });
    assert.throws(() => bytesOf([Promise.resolve(1)].at(0)), { code: "function_failed", message: /await it/ });
    for (const value of [new Blob(["x"]), new Response("x"), new Request("http://x"), new ReadableStream()])
      assert.throws(() => bytesOf(value), { code: "function_failed", message: /read it first/ });
  });

  it("keeps what a toJSON threw as the cause", () => {
    const thrown = new Error("not today");
    const value = {
      toJSON(): never {
        throw thrown;
      },
    };
    assert.throws(() => bytesOf(value), { code: "function_failed", message: /not today/, cause: thrown });
  });
});

describe("encodeReply", () => {
  it("takes headers from a reply", () => {
    const { payload, headers } = encodeReply(new Reply({ a: 1 }, { headers: { "Content-Type": "application/json" } }));
    assert.equal(text(payload), '{"a":1}');
    assert.equal(headers?.get("Content-Type"), "application/json");
  });

  it("leaves headers away when there are none", () => {
    assert.equal("headers" in encodeReply(new Reply("x")), false);
    assert.equal("headers" in encodeReply("x"), false);
  });

  it("prefers what was returned over the last reply made", () => {
    assert.equal(text(encodeReply("returned", new Reply("made")).payload), "returned");
    assert.equal(text(encodeReply(null, new Reply("made")).payload), "null");
    assert.equal(text(encodeReply(undefined, new Reply("made")).payload), "made");
  });
});
