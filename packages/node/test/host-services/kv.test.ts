import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";
import { b64, codeOf, moduleDriver, valueOf } from "./support/guest-calls.ts";
import { FORMS } from "./support/wasm-guest.ts";

/** Larger than the bucket, small enough to travel to the function as base64. */
const BIG = new Uint8Array(600 * 1024);
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

for (const { form, open } of FORMS) {
  describe(`kv in the ${form}`, () => {
    it("keeps exact bytes, revisions and keys", async () => {
      await using system = await TestSystem.start();
      const guest = await open(system);
      const [empty, put, got, created, again, updated, stale, keys, gone, after, listed] = await guest.run(
        ["kv", "get", "a"],
        ["kv", "put", "a", ALL_BYTES],
        ["kv", "get", "a"],
        ["kv", "create", "b.x", "one"],
        ["kv", "create", "b.x", "two"],
        ["kv", "update", "a", "new", 1],
        ["kv", "update", "a", "newer", 1],
        ["kv", "keys"],
        ["kv", "delete", "a"],
        ["kv", "get", "a"],
        ["kv", "keys", "b."],
      );
      assert.equal(valueOf(empty), undefined);
      assert.equal(valueOf(put), 1);
      assert.deepEqual(valueOf(got), { ...b64(ALL_BYTES), revision: 1 });
      assert.equal(valueOf(created), 2);
      assert.equal(codeOf(again), "key_exists");
      assert.equal(valueOf(updated), 3);
      assert.equal(codeOf(stale), "wrong_revision");
      assert.deepEqual((valueOf(keys) as string[]).sort(), ["a", "b.x"]);
      assert.equal(codeOf(gone), "ok");
      assert.equal(valueOf(after), undefined);
      assert.deepEqual(valueOf(listed), ["b.x"]);
    });

    it("stores what the NATS tools read, under 0.2.7's name for the bucket", async () => {
      await using system = await TestSystem.start();
      const guest = await open(system, { name: "orders", namespace: "shop" });
      await guest.run(["kv", "set", "last", "hello"], ["kv", "create", "gone", "x"], ["kv", "delete", "gone"]);
      const bucket = await new Kvm(system.client).open("hs_shop_orders_kv");
      assert.equal((await bucket.get("last"))?.string(), "hello");
      await bucket.put("other", "from outside");
      const [other, recreated, keys] = await guest.run(
        ["kv", "get", "other"],
        ["kv", "create", "gone", "y"],
        ["kv", "keys", "go"],
      );
      assert.deepEqual(valueOf(other), { ...b64("from outside"), revision: 4 });
      assert.equal(valueOf(recreated), 5);
      assert.deepEqual(valueOf(keys), ["gone"]);
    });

    it("answers bad input with typed errors and goes on", async () => {
      await using system = await TestSystem.start();
      const guest = await open(system);
      const bad = ["", ".a", "a.", "a..b", "a b", "a*", ">", "ü", "a\u0000b", "x".repeat(513), "$KV.other"];
      const outcomes = await guest.run(
        ...bad.map((key) => ["kv", "put", key, "v"] as const),
        ...bad.map((key) => ["kv", "get", key] as const),
        ["kv", "keys", "a*"],
      );
      assert.deepEqual([...new Set(outcomes.map(codeOf))], ["invalid_key"]);
      const [revision, large, value] = await guest.run(
        ["kv", "update", "k", "v", 0],
        ["kv", "put", "k", BIG],
        ["kv", "put", "k", "v"],
      );
      assert.equal(codeOf(revision), "invalid_request");
      assert.equal(codeOf(large), "too_large");
      assert.equal(codeOf(value), "ok");
      await system.told.log("kv.put failed (too_large)");
    });

    it("ends a key's life in time where the server can, and says so where it cannot", async () => {
      await using system = await TestSystem.start();
      const guest = await open(system);
      const [put, created, short] = await guest.run(
        ["kv", "put", "put", "v", { ttlMs: 1000 }],
        ["kv", "create", "created", "v", { ttlMs: 1000 }],
        ["kv", "put", "k", "v", { ttlMs: 999 }],
      );
      assert.equal(codeOf(short), "invalid_request");
      // Debian's is older; NEX_NATS_SERVER names another one to test with.
      const canExpire = Number(/^2\.(\d+)\./.exec(system.client.info!.version)?.[1] ?? Infinity) >= 11;
      assert.deepEqual([put, created].map(codeOf), Array(2).fill(canExpire ? "ok" : "unsupported_by_server"));
      await waitFor(async () => {
        const [keys] = await guest.run(["kv", "keys"]);
        return (valueOf(keys) as string[]).length === 0;
      });
    });

    it("tells a full bucket, and takes deletes in it", async () => {
      await using system = await TestSystem.start();
      const guest = await open(system);
      const codes: string[] = [];
      for (let key = 0; key < 8; key++) {
        const [filled] = await guest.run(["kv", "put", `k${key}`, new Uint8Array(100_000)]);
        codes.push(codeOf(filled));
      }
      assert.equal(codes[0], "ok");
      assert.equal(codes.at(-1), "bucket_full");
      const [deleted, retried] = await guest.run(["kv", "delete", "k0"], ["kv", "put", "k9", new Uint8Array(50_000)]);
      assert.equal(codeOf(deleted), "ok");
      assert.equal(codeOf(retried), "ok");
    });

    it("says that a bucket was deleted under way, and makes it anew for the next call", async () => {
      await using system = await TestSystem.start();
      const guest = await open(system);
      await guest.run(["kv", "put", "k", "v"]);
      const manager = await jetstreamManager(system.client);
      for (const call of [
        ["kv", "get", "k"],
        ["kv", "put", "k", "v"],
        ["kv", "keys"],
      ] as const) {
        await manager.streams.delete("KV_hs_default_fn_kv");
        const [missing, next] = await guest.run(call, ["kv", "put", "k", "again"]);
        assert.equal(codeOf(missing), "bucket_missing", call.join(" "));
        assert.equal(codeOf(next), "ok");
      }
    });

    it("keeps namespaces and workloads apart even where bucket names meet", async () => {
      await using system = await TestSystem.start();
      const first = await open(system, { namespace: "a", name: "b_c", triggers: ["first"] });
      const second = await open(system, { namespace: "a_b", name: "c", triggers: ["second"] });
      const third = await open(system, { namespace: "x", name: "c", triggers: ["third"] });
      const [stored] = await first.run(["kv", "put", "secret", "of a"]);
      assert.equal(codeOf(stored), "ok");
      const taken = await second.run(["kv", "get", "secret"], ["kv", "put", "secret", "stolen"], ["kv", "keys"]);
      assert.deepEqual([...new Set(taken.map(codeOf))], ["bucket_taken"]);
      const [other] = await third.run(["kv", "get", "secret"]);
      assert.equal(valueOf(other), undefined);
      assert.deepEqual(valueOf((await first.run(["kv", "get", "secret"]))[0]), { ...b64("of a"), revision: 1 });
    });
  });
}

describe("kv in the module form", () => {
  it("survives values far too large without losing the runner", async () => {
    await using system = await TestSystem.start();
    await system.deploy(`export default async (event, ctx) => {
      try { await ctx.kv.put("k", new Uint8Array(100_000_000)); return "stored"; } catch (error) { return error.code; }
    };`);
    assert.equal((await system.request("fn")).string(), "too_large");
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("runs many calls at once and more than the window takes", async () => {
    await using system = await TestSystem.start();
    await system.deploy(`export default async (event, ctx) => {
      await Promise.all(Array.from({ length: 1000 }, (_, n) => ctx.kv.put("k" + (n % 10), String(n))));
      const got = await Promise.all(Array.from({ length: 1000 }, (_, n) => ctx.kv.get("k" + (n % 10))));
      return got.every((entry) => entry !== undefined);
    };`);
    assert.equal((await system.request("fn")).json(), true);
  });
});

test("without JetStream kv says so, and everything else works", async () => {
  await using system = await TestSystem.start({ jetstream: false });
  const guest = await moduleDriver(system);
  const [got] = await guest.run(["kv", "get", "k"]);
  assert.equal(codeOf(got), "jetstream_unavailable");
});
