import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { waitFor } from "@nex/testing";
import { outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

/** A function of these cases, each of which answers with what it returned or the code of what it threw. */
function cases(bodies: Readonly<Record<string, string>>): string {
  const entries = Object.entries(bodies).map(([name, body]) => `"${name}": async (ctx) => { ${body} }`);
  return `const cases = { ${entries.join(",\n")} };
export default async (event, ctx) => {
  try { return { value: (await cases[event.text()](ctx)) ?? null }; }
  catch (error) { return { code: error.code ?? error.name, message: error.message }; }
};`;
}

interface Answer {
  readonly value?: unknown;
  readonly code?: string;
  readonly message?: string;
}

describe("a function of the module form that makes a mistake", () => {
  it("is told which, by that one call, and goes on", async () => {
    await using system = await TestSystem.start();
    const mistakes = {
      key: ["invalid_key", "await ctx.kv.get(undefined);"],
      subject: ["invalid_subject", "await ctx.messaging.publish(undefined, 'v');"],
      name: ["invalid_key", "await ctx.objectStore.put({}, 'v');"],
      value: ["invalid_request", "await ctx.kv.put('k', 1n);"],
      blob: ["invalid_request", "await ctx.kv.put('k', new Blob(['x']));"],
      header: ["invalid_request", "await ctx.messaging.publish('a', 'v', { headers: { a: 5 } });"],
      reply: ["invalid_request", "await ctx.messaging.publish('a', 'v', { reply: 5 });"],
      signal: ["invalid_request", "await ctx.messaging.request('a', 'v', { signal: new AbortController() });"],
      pieces: [
        "TypeError",
        "await ctx.http.fetch('http://example.invalid/', { method: 'POST', duplex: 'half', body: new ReadableStream({ start(c) { c.enqueue('text'); c.close(); } }) });",
      ],
      late: [
        "cancelled",
        "const stop = new AbortController(); const slow = Array.from({ length: 64 }, () => ctx.messaging.request('silent', '', { timeoutMs: 4000 }).catch(() => 0)); setTimeout(() => stop.abort(), 50); const began = Date.now(); try { await ctx.messaging.request('silent', '', { signal: stop.signal }); } catch (error) { if (Date.now() - began > 2000) throw new Error('late'); throw error; } finally { await Promise.all(slow); }",
      ],
      generator: [
        "RangeError",
        "await ctx.objectStore.put('g', (async function* () { yield 'a'; throw new RangeError('own'); })());",
      ],
    } as const;
    system.client.subscribe("silent", { callback: () => undefined });
    await system.deploy(cases(Object.fromEntries(Object.entries(mistakes).map(([name, [, body]]) => [name, body]))));
    for (const [name, [code]] of Object.entries(mistakes)) {
      const answer = (await system.request("fn", name)).json<Answer>();
      assert.equal(answer.code, code, `${name}: ${JSON.stringify(answer)}`);
    }
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("may store what the web calls a body", async () => {
    await using system = await TestSystem.start();
    await system.deploy(
      cases({
        blob: "await ctx.objectStore.put('o', new Blob(['bl', 'ob'])); return await (await ctx.objectStore.get('o')).text();",
        response:
          "await ctx.objectStore.put('o', new Response('response')); return await (await ctx.objectStore.get('o')).text();",
        generator:
          "await ctx.objectStore.put('o', (function* () { yield 'a'; yield 'b'; })()); return await (await ctx.objectStore.get('o')).text();",
      }),
    );
    for (const [name, value] of [
      ["blob", "blob"],
      ["response", "response"],
      ["generator", "ab"],
    ] as const)
      assert.deepEqual((await system.request("fn", name)).json<Answer>(), { value });
  });

  it("is not run into a wait for itself where it may run once at a time only", async () => {
    await using system = await TestSystem.start();
    await system.deploy(cases({ self: "await ctx.messaging.request('fn', 'other', { timeoutMs: 20000 });" }), {
      maxInFlight: 1,
    });
    assert.equal((await system.request("fn", "self")).json<Answer>().code, "self_request");
  });
});

describe("what a function leaves behind is taken back:", () => {
  it("requests that it withdrew", async () => {
    await using system = await TestSystem.start();
    system.client.subscribe("silent", { callback: () => undefined });
    await system.deploy(
      cases({
        withdraw: `const stop = new AbortController();
          const all = Array.from({ length: 60 }, () => ctx.messaging.request("silent", "v", { timeoutMs: 60000, signal: stop.signal }));
          setTimeout(() => stop.abort(), 50);
          return (await Promise.allSettled(all)).every(({ reason }) => reason.code === "cancelled");`,
        keys: "return await ctx.kv.keys();",
      }),
    );
    for (let batch = 0; batch < 4; batch++)
      assert.deepEqual((await system.request("fn", "withdraw")).json<Answer>(), { value: true });
    assert.deepEqual((await system.request("fn", "keys")).json<Answer>(), { value: [] });
  });

  it("answers and objects whose bodies it never read", async () => {
    await using system = await TestSystem.start({ hostServices: { http: { allow: ["127.0.0.1"] } } });
    const server = createServer((_, response) => void response.end(Buffer.alloc(2_000_000))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await system.deploy(
      cases({
        store: "await ctx.objectStore.put('o', new Uint8Array(600_000));",
        status: `return (await fetch("${url}")).status;`,
        info: "return (await ctx.objectStore.get('o')).info.size;",
        unawaited: `void fetch("${url}").catch(() => undefined);`,
        background: `void fetch("${url}").then(async (response) => await ctx.kv.put("read", String((await response.arrayBuffer()).byteLength)));`,
        read: "return (await ctx.kv.get('read'))?.text();",
        keys: "return await ctx.kv.keys();",
      }),
    );
    await system.request("fn", "store");
    try {
      for (let turn = 0; turn < 80; turn++) {
        assert.deepEqual((await system.request("fn", "status")).json<Answer>(), { value: 200 });
        assert.deepEqual((await system.request("fn", "info")).json<Answer>(), { value: 600_000 });
      }
      assert.deepEqual((await system.request("fn", "keys")).json<Answer>(), { value: [] });
      await Promise.all(Array.from({ length: 80 }, async () => await system.request("fn", "unawaited")));
      assert.deepEqual((await system.request("fn", "keys")).json<Answer>(), { value: [] });
      await system.request("fn", "background");
      await waitFor(async () => (await system.request("fn", "read")).json<Answer>().value === "2000000");
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe("a bucket", () => {
  it("does not fill up with keys that come and go, however many at once, and gives back its room", async () => {
    await using system = await TestSystem.start({ hostServices: { kv: { max_bytes: 4096 } } });
    await system.deploy(
      cases({
        // Of such a size that the last one is clearly too much: near its limit nats-server 2.9 drops the oldest instead.
        fill: `let kept = 0;
          try { for (;; kept++) await ctx.kv.put("kept." + kept, "x".repeat(500)); }
          catch (error) { return { code: error.code, same: (await ctx.kv.keys()).length === kept }; }`,
        churn: `await ctx.kv.delete("kept.0");
          const lane = async (name) => { for (let n = 0; n < 40; n++) { await ctx.kv.put(name + n, "v"); await ctx.kv.delete(name + n); } };
          await Promise.all(["a.", "b.", "c."].map(lane));
          return (await ctx.kv.keys()).length;`,
        empty: `for (const key of await ctx.kv.keys()) await ctx.kv.delete(key);
          await ctx.kv.put("room", "x".repeat(500));
          return await ctx.kv.keys();`,
        whole: `await ctx.kv.delete("room"); await ctx.kv.put("whole", "x".repeat(4096));`,
      }),
    );
    const ask = async (name: string): Promise<Answer> => (await system.request("fn", name)).json<Answer>();
    assert.deepEqual(await ask("fill"), { value: { code: "bucket_full", same: true } });
    assert.deepEqual(await ask("churn"), { value: 6 });
    assert.deepEqual(await ask("empty"), { value: ["room"] });
    assert.equal((await ask("whole")).code, "bucket_full");
    const { state } = await (await jetstreamManager(system.client)).streams.info("KV_hs_default_fn_kv");
    assert.equal(state.messages, 0, "nothing is left of deleted keys");
  });

  it("tells whoever watches it that a key has gone", async () => {
    await using system = await TestSystem.start();
    await system.deploy(
      cases({ turn: "await ctx.kv.put('k', 'v'); await ctx.kv.delete('k');", keys: "return await ctx.kv.keys();" }),
    );
    await system.request("fn", "keys");
    const watch = await (await new Kvm(system.client).open("hs_default_fn_kv")).watch();
    await system.request("fn", "turn");
    const seen: string[] = [];
    for await (const { key, operation } of watch) {
      seen.push(`${operation} ${key}`);
      if (operation === "DEL") break;
    }
    assert.deepEqual(seen, ["PUT k", "DEL k"]);
  });

  it("makes a key that comes and goes for one at a time, and never says that one is there that is not", async () => {
    await using system = await TestSystem.start();
    await system.deploy(
      cases({
        // Each lane has a key of its own, so whoever is told that it exists is told something false.
        own: `const lane = async (key) => { for (let n = 0; n < 50; n++) { await ctx.kv.create(key, "v"); await ctx.kv.delete(key); } };
          await Promise.all(["a", "b", "c", "d"].map(lane));`,
        one: `const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => ctx.kv.create("lock", "v")));
          return outcomes.filter(({ status }) => status === "fulfilled").length;`,
      }),
    );
    assert.deepEqual((await system.request("fn", "own")).json<Answer>(), { value: null });
    assert.deepEqual((await system.request("fn", "one")).json<Answer>(), { value: 1 });
  });

  it("that was deleted is missed once by every call, and made anew by the next", async () => {
    await using system = await TestSystem.start();
    await system.deploy(
      cases({
        create: "return typeof await ctx.kv.create('a' + Math.random(), '1');",
        keys: "return typeof await ctx.kv.keys();",
        list: "return typeof await ctx.objectStore.list();",
      }),
    );
    const manager = await jetstreamManager(system.client);
    for (const [call, stream] of [
      ["create", "KV_hs_default_fn_kv"],
      ["keys", "KV_hs_default_fn_kv"],
      ["list", "OBJ_hs_default_fn_obj"],
    ] as const) {
      assert.equal((await system.request("fn", call)).json<Answer>().code, undefined, call);
      await manager.streams.delete(stream);
      assert.equal((await system.request("fn", call)).json<Answer>().code, "bucket_missing", call);
      assert.equal((await system.request("fn", call)).json<Answer>().code, undefined, `${call} again`);
    }
  });
});

it("a function that asks under its --max-in-flight is never refused for its own haste", async () => {
  await using system = await TestSystem.start({ hostServices: { max_calls: 64 } });
  await system.deploy(
    "export default async (event, ctx) => (await Promise.all(Array.from({ length: 500 }, () => ctx.kv.get('a')))).length;",
  );
  const reply = await system.request("fn");
  assert.equal(outcome(reply), "ok", reply.string());
  assert.equal(reply.string(), "500");
});
