import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { decodeServiceAnswer, encodeServiceRequest, SERVICE_CODE, WHOLE_FLAG } from "@nex/link";
import { startNatsServer, type TestNats, waitFor } from "@nex/testing";
import { type GuestLink, guestLink } from "./support/guest-link.ts";

let nats: TestNats;
let connection: NatsConnection;

before(async () => {
  nats = await startNatsServer({ jetstream: true });
  connection = await connect({ servers: nats.url });
});

after(async () => {
  await connection.close();
  await nats.stop();
});

function guest(namespace: string, name: string, options = {}): GuestLink {
  return guestLink({ workload: { namespace, name }, connection, options });
}

/** A call with whatever fields the guest likes. */
async function raw(
  { link }: GuestLink,
  service: number,
  method: number,
  args: string[],
  headers: [string, string][] = [],
): Promise<string> {
  const body = encodeServiceRequest(service, method, WHOLE_FLAG, args, headers);
  return await link.request(SERVICE_CODE, body, { deadlineMs: 5000 }).then(
    (reply) => {
      const { args: answer, payload } = decodeServiceAnswer(reply);
      return `ok ${answer.join()} ${payload.toString()}`;
    },
    (error: { code: string }) => error.code,
  );
}

describe("a hostile guest", () => {
  it("cannot become another workload by any field it forges", async () => {
    await using victim = guest("bank", "vault");
    await using thief = guest("mallory", "fn");
    await victim.services.kv.put("secret", "treasure");
    await victim.services.objectStore.put("secret", "treasure");
    const claims: [string, string][] = [
      ["x-nex-namespace", "bank"],
      ["namespace", "bank"],
      ["workload", "vault"],
      ["x-keyvalue-key", "secret"],
      ["bucket", "hs_bank_vault_kv"],
    ];
    const forged = [
      ["secret"],
      ["secret", "bank", "vault"],
      ["../hs_bank_vault_kv/secret"],
      ["hs_bank_vault_kv.secret"],
      ["$KV.hs_bank_vault_kv.secret"],
      ["secret\nbank"],
    ];
    for (const args of forged) {
      for (const method of [1, 6]) assert.doesNotMatch(await raw(thief, 1, method, args, claims), /treasure|secret/);
      for (const method of [1, 5]) assert.doesNotMatch(await raw(thief, 3, method, args, claims), /treasure/);
    }
    assert.deepEqual(await thief.services.kv.keys(), []);
    await thief.services.kv.put("secret", "mine");
    assert.equal((await victim.services.kv.get("secret"))?.text(), "treasure");
  });

  it("gets errors for services and methods that do not exist, and loses its link for nonsense", async () => {
    await using odd = guest("default", "odd");
    assert.equal(await raw(odd, 99, 1, []), "unknown_method");
    assert.equal(await raw(odd, 1, 99, ["k"]), "unknown_method");
    assert.equal(await raw(odd, 2, 99, ["a"]), "unknown_method");
    assert.equal(await raw(odd, 4, 99, []), "unknown_method");
    for (const body of [Buffer.alloc(0), Buffer.from([1]), Buffer.alloc(12, 0xff)]) {
      await using worse = guest("default", "worse");
      void worse.link.request(SERVICE_CODE, body).catch(() => undefined);
      assert.equal((await worse.host.closed).code, "link_protocol");
    }
  });

  it("may have so many calls open, and delays nobody with them", async () => {
    await using busy = guest("default", "busy", { max_calls: 64 });
    await using calm = guest("default", "calm");
    connection.subscribe("silent", { callback: () => undefined });
    const outcomes = Array.from({ length: 80 }, async () => await raw(busy, 2, 2, ["silent", "2000"]));
    const began = performance.now();
    await calm.services.kv.put("k", "v");
    assert.ok(performance.now() - began < 1500, "another workload's call waited");
    const codes = await Promise.all(outcomes);
    assert.equal(codes.filter((code) => code === "overloaded").length, 16);
    assert.equal(codes.filter((code) => code === "timeout").length, 64);
    assert.ok(busy.notes.some((note) => note.includes("messaging.request failed (timeout)")));
  });

  it("is told at once when the NATS connection is lost, and goes on when it is back", async () => {
    const own = await startNatsServer({ jetstream: true });
    const { port } = own;
    const lasting = await connect({ servers: own.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    await using patient = guestLink({ workload: { namespace: "default", name: "patient" }, connection: lasting });
    await patient.services.kv.put("k", "v");
    await patient.services.messaging.publish("a", "b");
    await own.stop();
    const { kv, messaging } = patient.services;
    await waitFor(
      async () =>
        await kv.get("k").then(
          () => false,
          (error: { code: string }) => error.code === "connection_failed",
        ),
    );
    await assert.rejects(messaging.publish("a", "b"), { code: "connection_failed" });
    await using again = await startNatsServer({ jetstream: true, port });
    assert.equal(again.port, port);
    // A new server with an empty store: the bucket is gone, and made anew.
    await waitFor(
      async () =>
        await kv.put("k", "again").then(
          () => true,
          () => false,
        ),
      { timeoutMs: 15_000 },
    );
    assert.equal((await kv.get("k"))?.text(), "again");
    await lasting.close();
  });

  it("reaches no address of this machine, its links or its cloud by HTTP, however it is spelt", async () => {
    let connections = 0;
    const server = createServer(() => void connections++).listen(0, "0.0.0.0");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    const hosts = [
      ...own.map(({ address, family }) => (family === "IPv6" ? `[${address}]` : address)),
      ...own.filter(({ family }) => family === "IPv4").map(({ address }) => `[::ffff:${address}]`),
      "localhost",
      "0.0.0.0",
      "[::]",
      "0x7f000001",
      "2130706433",
      "127.1",
      "[::ffff:127.0.0.1]",
      "169.254.169.254",
      "[fe80::1]",
      "[fd00:ec2::254]",
      "168.63.129.16",
      "100.100.100.200",
    ];
    await using thief = guest("mallory", "fn");
    using _ = { [Symbol.dispose]: () => void server.close() };
    for (const host of hosts)
      await assert.rejects(thief.services.http.fetch(`http://${host}:${port}/`), { code: "http_denied" }, host);
    assert.equal(connections, 0);
  });
});
