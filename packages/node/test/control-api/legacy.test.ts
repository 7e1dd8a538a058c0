import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { objectLocation, sealEnvironment } from "@nex/protocol";
import { buildStaticProgram, waitFor } from "@nex/testing";
import { sha256, stopRequest, upload } from "./support/deploys.ts";
import { legacyClaims } from "./support/legacy-claims.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

const SCRIPT = "(subject, payload) => ({ on: subject, bytes: payload.length })";

/** What `nex devrun` of 0.2.7 sends. */
async function devrun(
  running: RunningNode,
  name: string,
  jwt = legacyClaims(running.issuer, { name }),
): Promise<Reply> {
  await upload(running.client, SCRIPT, { bucket: "NEXCLIFILES", name });
  return await running.ask(`$NEX.DEPLOY.default.${running.node.id}`, {
    description: "Workload published in devmode",
    type: "v8",
    location: objectLocation("NEXCLIFILES", name),
    essential: false,
    workload_jwt: jwt,
    environment: sealEnvironment(undefined, running.sender, await running.exchangeKey()),
    jsdomain: "",
    sender_public_key: running.sender.publicKey,
    target_node: running.node.id,
    trigger_subjects: [`${name}.>`],
  });
}

async function stop(running: RunningNode, id: string, jwt: string): Promise<Reply> {
  return await running.ask(`$NEX.STOP.default.${running.node.id}`, {
    workload_id: id,
    workload_jwt: jwt,
    target_node: running.node.id,
  });
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

describe("a node with accept_legacy_claims", () => {
  let running: RunningNode;
  before(async () => (running = await RunningNode.start({ config: { accept_legacy_claims: true } })));
  after(async () => await running.close());

  it("runs what 0.2.7's devrun deploys", async () => {
    const { data, error } = await devrun(running, "legacy");
    assert.equal(error, undefined);
    assert.deepEqual([data.started, data.issuer, data.name], [true, running.issuer.publicKey, "legacy"]);
    const reply = await running.client.request("legacy.now", "abc", { timeout: 20_000 });
    assert.deepEqual(reply.json(), { on: "legacy.now", bytes: 3 });
  });

  it("answers the deploy of a service before its first second is over, and tells that it is starting", async () => {
    const path = join(running.directory, "service");
    await buildStaticProgram(join(import.meta.dirname, "../elf/fixtures/service.c"), path);
    await upload(running.client, await readFile(path), { bucket: "NEXCLIFILES", name: "service" });
    const { data, error } = await running.ask(`$NEX.DEPLOY.default.${running.node.id}`, {
      description: "Workload published in devmode",
      type: "native",
      location: objectLocation("NEXCLIFILES", "service"),
      essential: false,
      workload_jwt: legacyClaims(running.issuer, { name: "service" }),
      environment: sealEnvironment(undefined, running.sender, await running.exchangeKey()),
      jsdomain: "",
      sender_public_key: running.sender.publicKey,
      target_node: running.node.id,
    });
    assert.equal(error, undefined);
    assert.deepEqual([data.started, data.state], [true, "starting"]);
    const state = async (): Promise<string | undefined> => {
      const { data: answer } = await running.ask("$NEX.WORKLOADS.default");
      return answer.workloads.find(({ name }: { name: string }) => name === "service")?.state;
    };
    await waitFor(async () => (await state()) === "running");
  });

  it("knows the artifact by its real hash and keeps it with the others", async () => {
    await devrun(running, "hashed");
    const { data } = await running.ask(`$NEX.INFO.default.${running.node.id}`);
    const machine = data.machines.find(({ workload }: { workload: { name: string } }) => workload.name === "hashed");
    assert.equal(machine.workload.hash, sha256(SCRIPT));
  });

  it("stops by 0.2.7's claims", async () => {
    const { data } = await devrun(
      running,
      "ends",
      legacyClaims(running.issuer, { name: "ends", iat: nowSeconds() - 2 }),
    );
    const jwt = legacyClaims(running.issuer, { name: "ends", nats: { version: 2 } });
    assert.equal((await stop(running, data.id, jwt)).data.stopped, true);
  });

  it("does not stop by the deploy's own claims", async () => {
    const jwt = legacyClaims(running.issuer, { name: "copied" });
    const { data } = await devrun(running, "copied", jwt);
    assert.equal((await stop(running, data.id, jwt)).code, "claims_replayed");
  });

  it("stops by this release's claims", async () => {
    const { data } = await devrun(running, "modern");
    const request = stopRequest(running, data.id, { name: "modern" });
    assert.equal((await running.ask(`$NEX.STOP.default.${running.node.id}`, request)).data.stopped, true);
  });

  it("refuses claims older than five minutes", async () => {
    const jwt = legacyClaims(running.issuer, { name: "old", iat: nowSeconds() - 301 });
    assert.equal((await devrun(running, "old", jwt)).code, "claims_expired");
  });

  it("refuses claims with another request than they came with first", async () => {
    const jwt = legacyClaims(running.issuer, { name: "caught", iat: nowSeconds() - 301 });
    assert.equal((await devrun(running, "caught", jwt)).code, "claims_expired");
    // Sealed anew, and so another one.
    assert.equal((await devrun(running, "caught", jwt)).code, "claims_replayed");
  });

  it("refuses a hash that is no hash", async () => {
    const nats = { version: 2, hash: "../../etc/passwd" };
    assert.equal(
      (await devrun(running, "path", legacyClaims(running.issuer, { name: "path", nats }))).code,
      "claims_mismatch",
    );
  });

  it("refuses claims used before, also after it was started again", async () => {
    const jwt = legacyClaims(running.issuer, { name: "again" });
    assert.equal((await devrun(running, "again", jwt)).error, undefined);
    assert.equal((await devrun(running, "again", jwt)).code, "claims_replayed");
    await using restarted = await RunningNode.start({ nats: running.nats, config: { accept_legacy_claims: true } });
    assert.equal((await devrun(restarted, "again", jwt)).code, "claims_replayed");
  });

  it("refuses claims that were used in another nexus on the same server", async () => {
    const jwt = legacyClaims(running.issuer, { name: "elsewhere" });
    assert.equal((await devrun(running, "elsewhere", jwt)).error, undefined);
    const config = { accept_legacy_claims: true, nexus: "other" };
    await using other = await RunningNode.start({ nats: running.nats, config });
    assert.equal((await devrun(other, "elsewhere", jwt)).code, "claims_replayed");
  });
});

describe("a node without accept_legacy_claims", () => {
  it("refuses what 0.2.7's devrun deploys and says what to do", async () => {
    await using running = await RunningNode.start();
    const { code, error } = await devrun(running, "legacy");
    assert.equal(code, "claims_mismatch");
    assert.match(error ?? "", /accept_legacy_claims/);
  });
});
