import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { ByteBudget } from "@nex/host-services/host";
import { startNatsServer, type TestNats, waitFor } from "@nex/testing";
import { guestLink } from "./support/guest-link.ts";

const WORKLOAD = { namespace: "default", name: "fn" };

/** Bytes that nats.js keeps for a server that does not take them. */
function unsent(connection: NatsConnection): number {
  const { protocol } = connection as unknown as {
    readonly protocol: {
      readonly outbound: { size(): number };
      readonly transport: { readonly socket: { readonly writableLength: number } };
    };
  };
  return protocol.outbound.size() + protocol.transport.socket.writableLength;
}

describe("what is held for a function's calls", () => {
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

  it("does not grow with messages without payload while the server stalls", async () => {
    const heldBytes = new ByteBudget(64 * 2 ** 20, "the guest");
    await using guest = guestLink({ workload: WORKLOAD, connection, heldBytes });
    const { messaging } = guest.services;
    let published = 0;
    const over = new AbortController();
    const publishOn = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await messaging.publish("flood", "", { headers: { padding: "x".repeat(200) } });
        published++;
      }
    };
    process.kill(nats.pid, "SIGSTOP");
    const flood = Promise.all(Array.from({ length: 50 }, publishOn));
    try {
      // Until no more of them pass.
      for (let earlier = -1; earlier !== published;) {
        earlier = published;
        await setTimeout(500);
      }
      assert.ok(published > 100 && published < 10_000, `${published} passed`);
      assert.ok(unsent(connection) < 4 * 2 ** 20, `${unsent(connection)} bytes`);
    } finally {
      over.abort();
      process.kill(nats.pid, "SIGCONT");
    }
    await flood;
    await waitFor(() => heldBytes.taken === 0);
  });

  it("counts the answers that a requestMany gathers, of all of a workload's calls together", async () => {
    const heldBytes = new ByteBudget(2 ** 20, "the guest");
    await using guest = guestLink({ workload: WORKLOAD, connection, heldBytes });
    await using responder = await connect({ servers: nats.url });
    const large = headers();
    large.set("padding", "x".repeat(50_000));
    responder.subscribe("gather", {
      callback: (_, message) => {
        for (let count = 0; count < 10; count++) message.respond("x".repeat(50_000), { headers: large });
      },
    });
    await responder.flush();
    const { messaging } = guest.services;
    const gather = async (): Promise<number> => (await messaging.requestMany("gather", "", { count: 10 })).length;
    assert.equal(await gather(), 10);
    const outcomes = await Promise.allSettled([gather(), gather(), gather(), gather()]);
    const codes = outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? outcome.value : (outcome.reason as { code: string }).code,
    );
    assert.ok(codes.includes("overloaded"), codes.join());
    assert.equal(await gather(), 10);
    await waitFor(() => heldBytes.taken === 0);
  });

  it("counts the calls themselves, and refuses past the budget of whoever shares it", async () => {
    const node = new ByteBudget(300_000, "functions of this node");
    const scopes = ["a", "b"].map((name) => ({
      workload: { ...WORKLOAD, name },
      connection,
      heldBytes: new ByteBudget(2 ** 30, name, node),
    }));
    await using first = guestLink(scopes[0]!);
    await using second = guestLink(scopes[1]!);
    const silent = await connect({ servers: nats.url });
    silent.subscribe("silent");
    await silent.flush();
    const slow = first.services.messaging.request("silent", "x".repeat(250_000), { timeoutMs: 1000 });
    slow.catch(() => undefined);
    await waitFor(() => node.taken > 250_000);
    await assert.rejects(second.services.messaging.publish("x", "x".repeat(100_000)), {
      code: "overloaded",
      message: /held for functions of this node/,
    });
    await assert.rejects(slow, { code: "timeout" });
    await second.services.messaging.publish("x", "x".repeat(100_000));
    await silent.close();
    await waitFor(() => node.taken === 0);
  });
});
