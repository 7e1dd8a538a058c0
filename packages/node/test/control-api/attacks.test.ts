import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deployRequest, deploySubject, ECHO, signChange, upload } from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

/** Almost all that fits a message. */
const LONG = 900_000;

describe("a request by an attacker", () => {
  let running: RunningNode;
  before(async () => {
    running = await RunningNode.start({ config: { pool: { size: 0 } } });
    await upload(running.client, ECHO);
  });
  after(async () => await running.close());

  const deploy = async (request: Record<string, unknown>): Promise<Reply> => {
    const started = performance.now();
    const reply = await running.ask(deploySubject(running), await deployRequest(running, { request }));
    assert.ok(performance.now() - started < 4000, `the node was busy for ${performance.now() - started} ms`);
    return reply;
  };

  it("whose refusal would not fit a message is refused all the same", async () => {
    const long = "x".repeat(LONG);
    assert.equal((await deploy({ location: { Host: long, Path: "/x" } })).code, "invalid_request");
    for (const operation of ["UNDEPLOY", "ROLLBACK"]) {
      const request = signChange(running, { name: long });
      const { code } = await running.ask(`$NEX.${operation}.default.${running.node.id}`, request);
      assert.equal(code, "invalid_name");
    }
  });

  it("cannot keep the node busy with a path of slashes", async () => {
    const Path = `a${"/".repeat(LONG)}a`;
    assert.equal((await deploy({ location: { Host: "nex_artifacts", Path } })).code, "invalid_request");
  });

  for (const hash of ["../../../../etc/passwd", "/etc/passwd", "..", ".", "A".repeat(64), `${"a".repeat(63)}\n`]) {
    it(`cannot reach files of the node by the artifact hash ${JSON.stringify(hash.slice(0, 30))}`, async () => {
      const request = await deployRequest(running, { claims: { hash }, request: { artifact: undefined } });
      assert.equal((await running.ask(deploySubject(running), request)).code, "claims_mismatch");
    });
  }

  for (const jsdomain of ["a.b", "*", "x.API.STREAM.DELETE.OBJ_nex_artifacts", "x 0\r\n\r\nPUB y 0\r\n"]) {
    it(`cannot reach other subjects by the JetStream domain ${JSON.stringify(jsdomain)}`, async () => {
      const { code, details } = await deploy({ jsdomain });
      assert.deepEqual([code, details], ["invalid_request", { field: "jsdomain" }]);
    });
  }

  for (const Host of ["OBJ_nex_artifacts", "../nex_artifacts", "nex_artifacts.>", "*", "KV_nex_claims", "nex_claims"]) {
    it(`cannot read the bucket ${Host}`, async () => {
      assert.equal((await deploy({ location: { Host, Path: "/x" } })).code, "not_allowed");
    });
  }

  it("cannot make lists of workloads too long to be sent", async () => {
    for (const request of [{ description: "x".repeat(5000) }, { tags: { a: "x".repeat(5000) } }]) {
      assert.deepEqual((await deploy(request)).code, "invalid_request");
    }
  });

  it("cannot keep the node busy with long questions", async () => {
    for (const subject of ["$NEX.AUCTION", "$NEX.LOGS.default", "$NEX.RECENT_EVENTS.default"]) {
      assert.equal((await running.ask(subject, { id: "x".repeat(LONG) })).code, "too_large");
    }
  });

  it("without a reply subject does nothing", async () => {
    running.client.publish(`$NEX.LAMEDUCK.${running.node.id}`, "");
    const { data } = await running.ask("$NEX.PING");
    assert.equal(data.tags["nex.lameduck"], undefined);
  });
});
