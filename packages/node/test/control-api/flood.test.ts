import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { decodeClaims, type DeployRequest, isNexError, type SignedRequest, SigningKey } from "@nex/protocol";
import { Admission } from "../../src/control-api/admission.ts";
import { RateLimit } from "@nex/system";
import { ClaimsMemory } from "../../src/state/claims-memory.ts";
import { deployFunction, deployRequest, deploySubject } from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

describe("a flood of junk deploys", () => {
  it("is answered rate_limited and does not hold up functions", async () => {
    await using running = await RunningNode.start();
    await deployFunction(running, { name: "busy" });
    await using attacker = await connect({ servers: running.nats.url });
    const junk = JSON.stringify(
      await deployRequest(running, { issuer: SigningKey.create("account"), claims: { hash: "x" } }),
    );
    const codes = new Map<string, number>();
    const flood = async (): Promise<void> => {
      for (let n = 0; n < 100; n++) {
        const { code = "ok" } = (
          await attacker.request(deploySubject(running), junk, { timeout: 20_000 })
        ).json<Reply>();
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    };
    const attack = { underWay: true };
    const floods = Promise.all(Array.from({ length: 32 }, flood)).finally(() => (attack.underWay = false));
    const times: number[] = [];
    while (attack.underWay) {
      const start = performance.now();
      assert.equal((await running.client.request("busy", "x", { timeout: 20_000 })).string(), "x");
      times.push(performance.now() - start);
    }
    await floods;
    assert.equal(
      [...codes.values()].reduce((sum, count) => sum + count, 0),
      3200,
    );
    assert.ok((codes.get("rate_limited") ?? 0) > 2000, JSON.stringify([...codes]));
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity;
    // Far above what it takes, and far below what it would if the node read every one of them.
    assert.ok(median < 500, `a trigger took ${median} ms`);
  });

  it("is told in few events", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const subject = deploySubject(running);
    for (let n = 0; n < 120; n++) await running.askPatiently(subject, "{}");
    await running.ask("$NEX.PING");
    const { length } = running.told.events.filter(({ type }) => type === "deploy_refused");
    assert.ok(length >= 40 && length < 80, String(length));
  });

  it("of questions is answered rate_limited too", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const replies = await Promise.all(Array.from({ length: 1000 }, async () => await running.ask("$NEX.PING")));
    assert.ok(replies.some(({ code }) => code === "rate_limited"));
    assert.equal((await running.askPatiently("$NEX.PING")).data.node_id, running.node.id);
  });

  it("of subjects that are none is limited like questions", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const replies = await Promise.all(Array.from({ length: 1000 }, async () => await running.ask("$NEX.WPING.a.b.c")));
    assert.ok(replies.some(({ code }) => code === "rate_limited"));
  });
});

describe("reply subjects of the server's own", () => {
  it("are not answered to", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const { client, node } = running;
    const bucket = await new Kvm(jetstream(client)).create("treasure");
    for (const subject of [
      "$NEX.PING",
      "$NEX.AUCTION",
      `$NEX.INFO.default.${node.id}`,
      deploySubject(running),
      "$SRV.PING",
      "$SRV.INFO.nex-node",
    ]) {
      client.publish(subject, "{}", { reply: "$KV.treasure.key" });
    }
    await running.ask(`$NEX.PING.${node.id}`);
    await client.request("$SRV.PING", "");
    const { values } = await bucket.status();
    assert.equal(values, 0);
  });
});

describe("the signature of claims", () => {
  it("takes a fraction of a millisecond to verify, of claims of many issuers too", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const issuers = Array.from({ length: 20 }, () => SigningKey.create("account"));
    const jwts = await Promise.all(
      issuers.map(async (issuer) => (await deployRequest(running, { issuer })).workload_jwt),
    );
    const start = process.cpuUsage();
    for (let round = 0; round < 10; round++) for (const jwt of jwts) decodeClaims(jwt);
    // In JavaScript they would take three seconds.
    const { user } = process.cpuUsage(start);
    assert.ok(user < 1_000_000, `${user} µs for 200`);
  });
});

describe("limits by issuer", () => {
  it("leave a rightful issuer its share while unsigned messages and others' keys flood the node", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const admission = new Admission({
      nodeId: running.node.id,
      nexus: "nexus",
      issuers: new Map([[running.issuer.publicKey, ["*"]]]),
      acceptLegacyClaims: false,
      memory: new ClaimsMemory(running.client),
      isFleet: false,
      startedAt: 0,
    });
    const signed = async (issuer: SigningKey): Promise<SignedRequest<DeployRequest>> => {
      const request = await deployRequest(running, { issuer });
      return { request, body: request };
    };
    const rightful = await signed(running.issuer);
    const foreign = await signed(SigningKey.create("account"));
    const unsigned = { request: { workload_jwt: "x" }, body: {} };
    const codes = Array.from({ length: 300 }, (_, n) =>
      codeOf(() => admission.decode(n % 2 ? foreign : unsigned, "default")),
    );
    assert.ok(codes.filter((code) => code === "rate_limited").length > 200);
    assert.ok(codes.includes("claims_invalid") && codes.includes("issuer_not_allowed"));
    assert.equal(
      codeOf(() => admission.decode(rightful, "default")),
      undefined,
    );
    const own = Array.from({ length: 100 }, () => codeOf(() => admission.decode(rightful, "default")));
    assert.ok(own.includes("rate_limited"), "its share is bounded too");
  });

  it("refuse no deploy and no stop while junk comes in", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const subject = deploySubject(running);
    const junk = await Promise.all(Array.from({ length: 200 }, async () => await running.ask(subject, "{}")));
    assert.ok(junk.every(({ error }) => error !== undefined));
    const { code } = await running.ask(subject, await deployRequest(running, { source: "nobody uploaded this" }));
    assert.equal(code, "artifact_missing");
  });
});

describe("a rate limit", () => {
  it("gives its burst and then no more", () => {
    const limit = new RateLimit(0.001, 3);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limit.take()),
      [true, true, true, false],
    );
  });
});

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return isNexError(error) ? error.code : String(error);
  }
}
