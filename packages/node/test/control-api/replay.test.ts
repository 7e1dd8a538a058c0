import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { UndeployRequest } from "@nex/protocol";
import {
  deployFunction,
  deployRequest,
  deploySubject,
  ECHO,
  signChange,
  stopRequest,
  undeployRequest,
  upload,
} from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

describe("claims used before", () => {
  let running: RunningNode;
  before(async () => {
    running = await RunningNode.start();
    await upload(running.client, ECHO);
  });
  after(async () => await running.close());

  const stop = async (request: UndeployRequest): Promise<Reply> =>
    await running.ask(`$NEX.UNDEPLOY.default.${running.node.id}`, request);

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
    assert.equal((await stop(undeployRequest(running, { name: "stopped" }))).error, undefined);
    assert.equal((await running.ask(deploySubject(running), request)).code, "claims_replayed");
  });

  it("do not stop again what was deployed again", async () => {
    const request = undeployRequest(running, { name: "again" });
    await deployFunction(running, { name: "again" });
    assert.equal((await stop(request)).error, undefined);
    await deployFunction(running, { name: "again" });
    assert.equal((await stop(request)).code, "claims_replayed");
  });

  it("were not used by a deploy refused for another reason", async () => {
    const request = await deployRequest(running, { name: "second-try" });
    const wrong = { ...request, target_node: "N" };
    assert.equal((await running.ask(deploySubject(running), wrong)).code, "claims_mismatch");
    assert.equal((await running.ask(deploySubject(running), request)).error, undefined);
  });

  it("of a refused deploy do not run another environment, other triggers, arguments, limits or connections", async () => {
    const request = await deployRequest(running, { name: "caught", request: { trigger_subjects: ["$SYS.>"] } });
    assert.equal((await running.ask(deploySubject(running), request)).code, "subject_denied");
    const { environment } = await deployRequest(running, { env: { MINE: "yes" } });
    for (const change of [
      { environment },
      { trigger_subjects: ["secrets.>"] },
      { argv: ["--evil"] },
      { memory_bytes: 2 ** 30 },
      { deadline_ms: 1 },
      { connect: ["10.0.0.1:80"] },
      { host_service_limits: {} },
      { replicas: 3 },
      { essential: true },
      { TRIGGER_SUBJECTS: ["secrets.>"] },
    ]) {
      const { code } = await running.askPatiently(deploySubject(running), { ...request, ...change });
      assert.equal(code, "claims_mismatch", JSON.stringify(change));
    }
    assert.equal((await running.ask(deploySubject(running), request)).code, "subject_denied");
  });

  it("of a stop do not stop another instance, nor go back to another revision", async () => {
    await deployFunction(running, { name: "two", request: { replicas: 2 } });
    const stopOne = stopRequest(running, "one", { name: "two" });
    const other = { ...stopOne, workload_id: "another" };
    assert.equal((await running.ask(`$NEX.STOP.default.${running.node.id}`, other)).code, "claims_mismatch");
    const back = signChange(running, { name: "two", revision: 1 }, { action: "rollback", name: "two" });
    const further = { ...back, revision: 2 };
    assert.equal((await running.ask(`$NEX.ROLLBACK.default.${running.node.id}`, further)).code, "claims_mismatch");
  });

  it("without a node's name are refused while they are ahead of the clock: after a restart they would count again", async () => {
    const claims = { node: undefined as never, issuedAt: Date.now() + 20_000 };
    const request = await deployRequest(running, { name: "ahead", claims });
    assert.equal((await running.ask(deploySubject(running), request)).code, "claims_expired");
  });

  it("with the node's name are refused by every other node, and by the same one started again", async () => {
    const request = await deployRequest(running, { name: "bound" });
    await using other = await RunningNode.start({ nats: running.nats });
    // Whoever replays a message can write what it likes around the claims.
    const replayed = { ...request, target_node: other.node.id };
    assert.equal((await other.ask(deploySubject(other), replayed)).code, "claims_mismatch");
    assert.equal((await other.ask(deploySubject(other), request)).code, "invalid_request");
  });

  it("without a node's name act once on each node that ran when they were issued", async () => {
    await using other = await RunningNode.start({ nats: running.nats });
    const stops = async (on: RunningNode, request: object): Promise<string | undefined> =>
      (await on.ask(`$NEX.UNDEPLOY.default.${on.node.id}`, request)).code;
    for (const on of [running, other]) await deployFunction(on, { name: "replica", issuer: running.issuer });
    const request = undeployRequest(running, { name: "replica", node: undefined as never });
    assert.equal(await stops(running, request), undefined);
    assert.equal(await stops(other, request), undefined);
    await deployFunction(other, { name: "replica", issuer: running.issuer });
    assert.equal(await stops(other, request), "claims_replayed");
  });
});
