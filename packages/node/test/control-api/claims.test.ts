import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type NewClaims, SigningKey } from "@nex/protocol";
import {
  deployFunction,
  deployRequest,
  deploySubject,
  ECHO,
  sha256,
  stopRequest,
  undeployRequest,
  upload,
} from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

describe("the claims of a deploy", () => {
  let running: RunningNode;
  before(async () => {
    running = await RunningNode.start();
    await upload(running.client, ECHO);
  });
  after(async () => await running.close());

  const withClaims = async (claims: Partial<NewClaims>): Promise<Reply> =>
    await running.ask(deploySubject(running), await deployRequest(running, { claims }));
  const withJwt = async (change: (jwt: string) => string): Promise<Reply> => {
    const request = await deployRequest(running);
    return await running.ask(deploySubject(running), { ...request, workload_jwt: change(request.workload_jwt) });
  };

  for (const [what, claims, code] of [
    ["namespace", { namespace: "other" }, "claims_mismatch"],
    ["nexus", { nexus: "other" }, "claims_mismatch"],
    ["kind", { kind: "wasm" }, "claims_mismatch"],
    ["node", { node: SigningKey.create("server").publicKey }, "claims_mismatch"],
    ["artifact", { hash: sha256("another") }, "claims_mismatch"],
    ["action", { action: "stop" }, "claims_mismatch"],
    ["action", { action: "rollback" }, "claims_mismatch"],
    ["name", { name: "not/a.name" }, "claims_invalid"],
    ["expiry", { expiresAt: Date.now() - 31_000, issuedAt: Date.now() - 60_000 }, "claims_expired"],
    ["expiry", { expiresAt: Date.now() + 90_000_000 }, "claims_invalid"],
    ["time of issue", { issuedAt: Date.now() + 40_000 }, "claims_expired"],
  ] as const) {
    it(`are refused for another ${what}: ${JSON.stringify(Object.keys(claims))} ${code}`, async () => {
      const reply = await withClaims(claims);
      assert.equal(reply.code, code, reply.error ?? "");
    });
  }

  it("name the workload, whatever the request is about", async () => {
    const reply = await withClaims({ name: "signed-name" });
    assert.equal(reply.data.name, "signed-name");
  });

  it("are refused with another signature", async () => {
    const other = await deployRequest(running, { issuer: SigningKey.create("account") });
    const [, , signature] = other.workload_jwt.split(".");
    const reply = await withJwt((jwt) => [...jwt.split(".").slice(0, 2), signature].join("."));
    assert.equal(reply.code, "claims_invalid");
  });

  it("are refused with another payload", async () => {
    const reply = await withJwt((jwt) => {
      const [head, body = "", signature] = jwt.split(".");
      const payload = Buffer.from(body, "base64url").toString().replace('"default"', '"default2"');
      return [head, Buffer.from(payload).toString("base64url"), signature].join(".");
    });
    assert.equal(reply.code, "claims_invalid");
  });

  for (const jwt of ["", ".", "..", "a.b.c", "a.b.c.d", "x".repeat(9000)]) {
    it(`are refused as ${JSON.stringify(jwt.slice(0, 10))}`, async () => {
      assert.equal((await withJwt(() => jwt)).code, "claims_invalid");
    });
  }

  it("are refused where the request names another artifact", async () => {
    const request = await deployRequest(running, { request: { artifact: { sha256: sha256("another"), size: 7 } } });
    assert.equal((await running.ask(deploySubject(running), request)).code, "claims_mismatch");
  });

  it("are refused where they name no artifact", async () => {
    const request = await deployRequest(running, { claims: { hash: undefined as never } });
    assert.equal((await running.ask(deploySubject(running), request)).code, "claims_mismatch");
  });

  it("are refused in another namespace than they were signed for", async () => {
    assert.equal(
      (await running.ask(deploySubject(running, "other"), await deployRequest(running))).code,
      "claims_mismatch",
    );
  });

  it("that name no node may not be older than the node", async () => {
    const reply = await withClaims({ node: undefined as never, issuedAt: Date.now() - 50_000 });
    assert.equal(reply.code, "claims_expired", reply.error ?? "");
  });
});

describe("a workload's owner", () => {
  let running: RunningNode;
  let id: string;
  before(async () => {
    running = await RunningNode.start();
    id = (await deployFunction(running, { name: "owned" })).data.id;
  });
  after(async () => await running.close());
  const stranger = SigningKey.create("account");

  const stopped = async (
    claims: Partial<NewClaims>,
    { issuer = running.issuer, namespace = "default" } = {},
  ): Promise<string | undefined> => {
    const request = stopRequest(running, id, { name: "owned", ...claims }, issuer);
    return (await running.ask(`$NEX.STOP.${namespace}.${running.node.id}`, request)).code;
  };

  it("alone may replace it", async () => {
    assert.equal((await deployFunction(running, { name: "owned", issuer: stranger })).code, "issuer_not_allowed");
  });

  it("is the first of two who deploy the same name at one time", async () => {
    const [first, second] = await Promise.all([
      deployFunction(running, { name: "raced" }),
      deployFunction(running, { name: "raced", issuer: stranger }),
    ]);
    assert.deepEqual([first?.code ?? "ok", second?.code ?? "ok"].sort(), ["issuer_not_allowed", "ok"]);
  });

  it("may be another in another namespace", async () => {
    const reply = await deployFunction(running, {
      name: "owned",
      namespace: "other",
      issuer: stranger,
      request: { trigger_subjects: ["theirs"] },
    });
    assert.equal(reply.error, undefined);
  });

  it("alone may stop an instance of it", async () => {
    assert.equal(await stopped({}, { issuer: stranger }), "issuer_not_allowed");
  });

  it("alone may stop it whole", async () => {
    const request = undeployRequest(running, { name: "owned" }, stranger);
    const { code } = await running.ask(`$NEX.UNDEPLOY.default.${running.node.id}`, request);
    assert.equal(code, "issuer_not_allowed");
  });

  for (const [what, claims, code] of [
    ["workload", { name: "another" }, "claims_mismatch"],
    ["namespace", { namespace: "other" }, "claims_mismatch"],
    ["nexus", { nexus: "other" }, "claims_mismatch"],
    ["action", { action: "deploy" }, "claims_mismatch"],
    ["node", { node: SigningKey.create("server").publicKey }, "claims_mismatch"],
    ["time", { issuedAt: Date.now() - 90_000, expiresAt: Date.now() - 31_000 }, "claims_expired"],
  ] as const) {
    it(`cannot stop it with claims for another ${what}`, async () => {
      assert.equal(await stopped(claims), code);
    });
  }

  it("cannot stop it from another namespace", async () => {
    assert.equal(await stopped({ namespace: "other" }, { namespace: "other" }), "workload_not_found");
  });

  it("still has it after all that", async () => {
    assert.equal((await running.client.request("owned", "yes")).string(), "yes");
  });
});

describe("a node that lists issuers", () => {
  const everywhere = SigningKey.create("account");
  const billing = SigningKey.create("account");
  let running: RunningNode;
  before(async () => {
    const issuers = { [everywhere.publicKey]: ["*"], [billing.publicKey]: ["billing", "invoices"] };
    running = await RunningNode.start({ config: { issuers } });
  });
  after(async () => await running.close());

  it("takes their deploys", async () => {
    assert.equal((await deployFunction(running, { name: "a", issuer: everywhere })).error, undefined);
    assert.equal(
      (await deployFunction(running, { name: "b", issuer: billing, namespace: "billing" })).error,
      undefined,
    );
  });

  it("refuses everyone else's", async () => {
    const { code, details } = await deployFunction(running, { name: "c" });
    assert.equal(code, "issuer_not_allowed");
    assert.deepEqual(details, { issuer: running.issuer.publicKey, namespace: "default" });
  });

  it("refuses theirs in namespaces that are not listed for them", async () => {
    assert.equal((await deployFunction(running, { name: "d", issuer: billing })).code, "issuer_not_allowed");
  });

  it("does not say that everyone may deploy", () => {
    assert.equal(
      running.warnings.some((line) => line.includes("Everyone who reaches")),
      false,
    );
  });
});
