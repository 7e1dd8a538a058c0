import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deployFunction, deployRequest, deploySubject, ECHO, stopClaims, upload } from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

describe("claims used before", () => {
  let running: RunningNode;
  before(async () => {
    running = await RunningNode.start();
    await upload(running.client, ECHO);
  });
  after(async () => await running.close());

  const stop = async (name: string, jwt: string): Promise<Reply> =>
    await running.ask(`$NEX.UNDEPLOY.default.${running.node.id}`, {
      name,
      workload_jwt: jwt,
      target_node: running.node.id,
    });

  it("do not deploy again, even when both come at one time", async () => {
    const request = await deployRequest(running, { name: "both" });
    const replies = await Promise.all(
      [request, request].map(async (body) => await running.ask(deploySubject(running), body)),
    );
    assert.deepEqual(replies.map(({ code }) => code ?? "ok").sort(), ["claims_replayed", "ok"]);
  });

  it("do not deploy again what was stopped", async () => {
    const request = await deployRequest(running, { name: "stopped" });
    assert.equal((await running.ask(deploySubject(running), request)).error, undefined);
    assert.equal((await stop("stopped", stopClaims(running, { name: "stopped" }))).error, undefined);
    assert.equal((await running.ask(deploySubject(running), request)).code, "claims_replayed");
  });

  it("do not stop again what was deployed again", async () => {
    const jwt = stopClaims(running, { name: "again" });
    await deployFunction(running, { name: "again" });
    assert.equal((await stop("again", jwt)).error, undefined);
    await deployFunction(running, { name: "again" });
    assert.equal((await stop("again", jwt)).code, "claims_replayed");
  });

  it("were not used by a deploy refused for another reason", async () => {
    const request = await deployRequest(running, { name: "second-try" });
    const wrong = { ...request, trigger_subjects: ["$SYS.>"] };
    assert.equal((await running.ask(deploySubject(running), wrong)).code, "subject_denied");
    assert.equal((await running.ask(deploySubject(running), request)).error, undefined);
  });

  it("with the node's name are refused by every other node, and by the same one started again", async () => {
    const request = await deployRequest(running, { name: "bound" });
    await using other = await RunningNode.start({ nats: running.nats });
    // Whoever replays a message can write what it likes around the claims.
    const replayed = { ...request, target_node: other.node.id };
    assert.equal((await other.ask(deploySubject(other), replayed)).code, "claims_mismatch");
  });

  it("without a node's name act once on each node that ran when they were issued", async () => {
    await using other = await RunningNode.start({ nats: running.nats });
    const request = await deployRequest(running, { name: "replica", claims: { node: undefined as never } });
    const environment = (await deployRequest(other, {})).environment;
    const there = { ...request, environment, sender_public_key: other.sender.publicKey, target_node: other.node.id };
    assert.equal((await running.ask(deploySubject(running), request)).error, undefined);
    assert.equal((await other.ask(deploySubject(other), there)).error, undefined);
    assert.equal((await other.ask(deploySubject(other), there)).code, "claims_replayed");
  });
});
