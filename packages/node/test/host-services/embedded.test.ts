import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import type { StorageBuckets } from "@nex/host-services/host";
import { temporaryDirectory, type TemporaryDirectory } from "@nex/testing";
import { NamespaceConnections, type NamespaceLease } from "../../src/connections/namespace-connections.ts";
import { type EmbeddedNats, startEmbeddedNats } from "@nex/embedded-nats";
import { type GuestLink, guestLink } from "./support/guest-link.ts";

let directory: TemporaryDirectory;
let server: EmbeddedNats;
let namespaces: NamespaceConnections;

async function login(options: NodeConnectionOptions): Promise<NatsConnection> {
  return await connect({ servers: server.url, ...options });
}

function guest(lease: Pick<NamespaceLease, "namespace" | "connection" | "storage">, name: string): GuestLink {
  const { namespace, connection, storage } = lease;
  return guestLink({ workload: { namespace, name }, connection, storage });
}

before(async () => {
  directory = await temporaryDirectory();
  server = await startEmbeddedNats({ storeDirectory: directory.path, contextFile: `${directory.path}/context.json` });
  namespaces = new NamespaceConnections({
    node: { servers: server.url, user: server.node.user, pass: server.node.password },
    source: {
      kind: "embedded",
      ensureNamespace: async (namespace) => await server.ensureNamespace(namespace),
      ensureStorage: async (owner) => await server.ensureStorage(owner),
    },
  });
});

after(async () => {
  await namespaces.close();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

describe("host services on the embedded server", () => {
  it("reach the workload's own buckets, all methods of them", async () => {
    await using lease = await namespaces.acquire("shop");
    await using orders = guest(lease, "orders");
    const { kv, objectStore } = orders.services;
    assert.equal(await kv.put("a", "1"), 1);
    assert.equal((await kv.get("a"))?.text(), "1");
    await assert.rejects(kv.create("a", "x"), { code: "key_exists" });
    assert.equal(await kv.update("a", "2", 1), 2);
    assert.deepEqual(await kv.keys(), ["a"]);
    await kv.delete("a");
    assert.deepEqual(await kv.keys(), []);
    await objectStore.put("o", Buffer.alloc(300_000, "x"));
    await objectStore.put("o", Buffer.alloc(400_000, "y"));
    assert.equal((await (await objectStore.get("o"))?.bytes())?.length, 400_000);
    assert.equal((await objectStore.list()).length, 1);
    assert.equal(await objectStore.delete("o"), true);
    assert.deepEqual(orders.notes, []);
  });

  it("leave no consumer behind, and no connection of a workload that has ended", async () => {
    const storages: NatsConnection[] = [];
    await using namespace = await namespaces.acquire("shop");
    for (const name of ["first", "second", "third"]) {
      await using lease = await namespaces.acquire("shop");
      const storage = async (buckets: StorageBuckets): Promise<NatsConnection> => {
        const connection = await lease.storage(buckets);
        storages.push(connection);
        return connection;
      };
      await using workload = guest({ ...lease, storage }, name);
      const { kv, objectStore } = workload.services;
      await kv.put("a", "1");
      assert.deepEqual(await kv.keys(), ["a"]);
      await objectStore.put("o", "1");
      assert.equal((await objectStore.list()).length, 1);
      assert.equal((await (await objectStore.get("o"))?.bytes())?.length, 1);
      const node = await login({ user: server.node.user, pass: server.node.password });
      const manager = await jetstreamManager(node);
      for (const stream of [`KV_hs_shop_${name}_kv`, `OBJ_hs_shop_${name}_obj`])
        assert.equal((await manager.streams.info(stream)).state.consumer_count, 0, stream);
      await node.close();
    }
    assert.equal(new Set(storages).size, 3);
    for (const storage of storages) assert.equal(storage.isClosed(), true);
    assert.equal(namespace.connection.isClosed(), false);
  });

  it("give a storage user its two buckets and nothing else", async () => {
    await using lease = await namespaces.acquire("shop");
    await using other = guest(lease, "billing");
    await other.services.kv.put("secret", "of billing");
    const owner = { namespace: "shop", kv: "hs_shop_orders_kv", objectStore: "hs_shop_orders_obj" };
    const { user, password } = await server.ensureStorage(owner);
    const inboxPrefix = "_INBOX.storage.shop.hs_shop_orders_kv";
    const storage = await login({ user, pass: password, inboxPrefix });
    const ours = await new Kvm(storage).open("hs_shop_orders_kv", { allow_direct: true });
    await ours.put("mine", "1");
    const theirs = await new Kvm(storage).open("hs_shop_billing_kv", { allow_direct: true });
    await assert.rejects(theirs.get("secret"), /Permissions Violation/i);
    await assert.rejects(theirs.put("secret", "stolen"), /Permissions Violation/i);
    await assert.rejects(storage.request("$JS.API.STREAM.NAMES", "", { timeout: 1000 }), /Permissions Violation/i);
    await assert.rejects(storage.request("orders.new", "", { timeout: 1000 }), /Permissions Violation/i);
    const refused: Error[] = [];
    storage.subscribe("_INBOX.>", { callback: (error) => void (error === null ? 0 : refused.push(error)) });
    await storage.flush();
    assert.equal(refused.length, 1);
    await storage.close();
  });

  it("keep two namespaces apart where their bucket names meet", async () => {
    await using first = await namespaces.acquire("a");
    await using second = await namespaces.acquire("a_b");
    await using honest = guest(first, "b_c");
    await using thief = guest(second, "c");
    await honest.services.kv.put("k", "v");
    await assert.rejects(thief.services.kv.get("k"), { code: "bucket_taken" });
  });
});
