import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryServices } from "../src/services/memory-services.ts";

/** What JavaScript passes where a type says otherwise. */
const any = (value: unknown): never => value as never;

describe("host services in memory keep the rules of a node's", () => {
  const { kv, messaging, objectStore } = memoryServices();

  for (const [what, code, call] of [
    ["a key that is undefined", "invalid_key", () => kv.get(any(undefined))],
    ["a key that is a number", "invalid_key", () => kv.put(any(5), "v")],
    ["a key with a space", "invalid_key", () => kv.delete("a b")],
    ["a prefix with a space", "invalid_key", () => kv.keys("a b")],
    ["the value undefined", "invalid_request", () => kv.put("k", undefined)],
    ["a value without a JSON form", "invalid_request", () => kv.put("k", 1n)],
    ["a value that has to be read first", "invalid_request", () => kv.put("k", new Blob(["x"]))],
    ["a time to live of 5 ms", "invalid_request", () => kv.put("k", "v", { ttlMs: 5 })],
    ["the revision 0", "invalid_request", () => kv.update("k", "v", 0)],
    ["the revision null", "invalid_request", () => kv.update("k", "v", any(null))],
    ["a subject that is undefined", "invalid_subject", () => messaging.publish(any(undefined), "v")],
    ["a subject with a space", "invalid_subject", () => messaging.publish("a b", "v")],
    ["a subject with a wildcard", "invalid_subject", () => messaging.request("a.*", "v")],
    ["a subject of the server's", "subject_denied", () => messaging.publish("$SYS.x", "v")],
    ["a reply subject of the server's", "subject_denied", () => messaging.publish("a", "v", { reply: "$KV.b.k" })],
    ["a header that is a number", "invalid_request", () => messaging.publish("a", "v", { headers: { n: any(5) } })],
    ["a message without a JSON form", "invalid_request", () => messaging.requestMany("a", 1n)],
    ["a request that nobody answers", "no_responders", () => messaging.request("a", "v")],
    ["an object without a name", "invalid_key", () => objectStore.get("")],
    ["an object's name that is an object", "invalid_key", () => objectStore.put(any({}), "v")],
    ["an object without a JSON form", "invalid_request", () => objectStore.put("o", () => 1)],
  ] as const)
    it(`and refuse ${what}`, async () => await assert.rejects(async () => await call(), { code }));
});

describe("an object store takes", () => {
  const { objectStore } = memoryServices();

  for (const [what, body, kept] of [
    ["text", "text", "text"],
    ["bytes", Buffer.from("bytes"), "bytes"],
    ["a list, as JSON", ["a", 1], '["a",1]'],
    ["a Blob", new Blob(["bl", "ob"]), "blob"],
    ["a Response", new Response("response"), "response"],
    ["a Response without a body", new Response(null), ""],
    ["a Request", new Request("http://x/", { method: "POST", body: "request" }), "request"],
    ["a stream", new Blob(["stream"]).stream(), "stream"],
    [
      "a generator",
      (function* () {
        yield "gen";
        yield Buffer.from("erator");
      })(),
      "generator",
    ],
    [
      "an asynchronous generator",
      (async function* () {
        yield "async";
        yield { n: 1 };
      })(),
      'async{"n":1}',
    ],
  ] as const)
    it(what, async () => {
      const { size } = await objectStore.put("o", body);
      assert.equal(size, kept.length);
      assert.equal(await (await objectStore.get("o"))?.text(), kept);
    });

  it("no Response that was read already", async () => {
    const response = new Response("x");
    await response.text();
    await assert.rejects(objectStore.put("o", response), { code: "invalid_request", message: /read already/ });
  });

  it("one reading of an object", async () => {
    await objectStore.put("o", "once");
    const object = await objectStore.get("o");
    assert.equal(await object?.text(), "once");
    await assert.rejects(async () => await object?.text(), { code: "invalid_request", message: /read already/ });
  });
});
