import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { TestSystem } from "../support/system.ts";
import { errorOf, outcome } from "../support/reply.ts";

describe("host services in the script form", () => {
  it("keep values, with 0.2.7's names, results and thrown texts", async () => {
    await using system = await TestSystem.start();
    await system.deploy(`(subject, payload) => {
      const { kv } = this.hostServices;
      const thrown = (work) => { try { return work(); } catch (error) { return typeof error + ": " + error; } };
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
      const set = kv.set("a", bytes);
      const got = kv.get("a");
      return {
        set: String(set), length: got.length, same: got.every((b, n) => b === n), realm: got instanceof Uint8Array,
        keys: kv.keys(), list: kv.keys() instanceof Array, deleted: String(kv.delete("a")), empty: kv.keys(),
        missing: thrown(() => kv.get("a")), count: thrown(() => kv.get()), two: thrown(() => kv.set("a")),
        text: thrown(() => kv.set("a", "text")), bad: thrown(() => kv.get("a b")),
        same_object: this.hostServices === hostServices,
      };
    }`);
    assert.deepEqual((await system.request("fn")).json(), {
      set: "undefined",
      length: 256,
      same: true,
      realm: true,
      keys: ["a"],
      list: true,
      deleted: "undefined",
      empty: [],
      missing: 'string: Error: The key "a" was not found. (404)',
      count: "string: key is required",
      two: "string: key and value are required",
      text: "string: failed to marshal v8 value to []byte: text; only Uint8[] is supported",
      bad: 'string: Error: "a b" cannot be a key: use 1 to 512 letters, digits and -_/=. without a dot at either end or two in a row. (400)',
      same_object: true,
    });
  });

  it("send messages, keep objects and speak HTTP", async () => {
    const server = createServer((request, response) => {
      response.setHeader("x-many", ["1", "2"]);
      request.pipe(response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await using system = await TestSystem.start({ hostServices: { http: { allow: ["127.0.0.1"] } } });
    system.client.subscribe("echo", { callback: (_, message) => void message.respond(message.data) });
    await system.client.flush();
    await system.deploy(`(subject, payload) => {
      const { messaging, objectStore, http } = hostServices;
      const thrown = (work) => { try { return work(); } catch (error) { return error; } };
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
      const same = (got) => got.length === 256 && got.every((b, n) => b === n);
      const url = String.fromCharCode(...payload);
      const info = objectStore.put("o", bytes);
      const posted = http.post(url, Uint8Array.from("hello", (c) => c.charCodeAt(0)));
      return {
        request: same(messaging.request("echo", bytes)), publish: String(messaging.publish("note", bytes)),
        many: messaging.requestMany("echo", bytes).map(same),
        nobody: thrown(() => messaging.request("nobody", bytes)),
        denied: thrown(() => messaging.publish("$KV.x.y", bytes)).includes("(403)"),
        self: thrown(() => messaging.request("fn", bytes)).includes("wait for this function itself"),
        info: [info.name, info.size, info.chunks, info.bucket, typeof info.nuid, info.digest.startsWith("SHA-256=")],
        object: same(objectStore.get("o")), list: objectStore.list().map(({ name }) => name),
        gone: String(objectStore.delete("o")), missing: thrown(() => objectStore.get("o")),
        post: [posted.status, posted.headers["X-Many"], posted.response], head: Object.keys(http.head(url)).includes("response"),
        inside: thrown(() => http.get("http://10.0.0.1/")).includes("(403)"),
      };
    }`);
    const reply = await system.request("fn", `http://127.0.0.1:${port}/`);
    server.closeAllConnections();
    server.close();
    assert.deepEqual(reply.json(), {
      request: true,
      publish: "undefined",
      many: [true],
      nobody: "nats: no responders available for request",
      denied: true,
      self: true,
      info: ["o", 256, 1, "hs_default_fn_obj", "string", true],
      object: true,
      list: ["o"],
      gone: "undefined",
      missing: 'Error: The object "o" was not found. (404)',
      post: [200, "1, 2", "hello"],
      head: false,
      inside: true,
    });
  });

  it("count as waiting when the deadline passes: the script goes on and the runner lives", async () => {
    await using system = await TestSystem.start();
    system.client.subscribe("silent", { callback: () => undefined });
    await system.client.flush();
    const source = `(subject, payload) => {
      if (payload.length === 0) return "alive";
      try { hostServices.messaging.request("silent", payload); } catch (error) { console.log("went on after", error); }
      try { hostServices.kv.set("late", payload); } catch (error) { console.log("refused", error); }
    }`;
    await system.deploy(source, { deadlineMs: 300 });
    const late = await system.request("fn", "x");
    assert.equal(errorOf(late).code, "deadline_exceeded");
    await system.told.log("went on after nats: timeout");
    await system.told.log("refused nats: timeout");
    const next = await system.request("fn");
    assert.equal(outcome(next), "ok");
    assert.equal(next.string(), '"alive"');
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("still have a runner that loops replaced, and the next one reaches them again", async () => {
    await using system = await TestSystem.start();
    const source = `(subject, payload) => {
      hostServices.kv.set("n", payload);
      if (payload.length > 0) for (;;);
      return hostServices.kv.keys();
    }`;
    await system.deploy(source, { deadlineMs: 500 });
    assert.equal(errorOf(await system.request("fn", "x")).code, "deadline_exceeded");
    await system.told.event("runner_replaced");
    assert.deepEqual((await system.request("fn")).json(), ["n"]);
  });
});
