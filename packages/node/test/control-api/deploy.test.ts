import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Objm } from "@nats-io/obj";
import { jetstream } from "@nats-io/jetstream";
import { legacyKind, MAX_ARGUMENT_BYTES, WORKLOAD_KINDS } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { SUPPORTED_KINDS } from "../../src/version.ts";
import {
  deployFunction,
  deployRequest,
  deploySubject,
  ECHO,
  sha256,
  signChange,
  stopRequest,
  undeployRequest,
  upload,
} from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

describe("a deploy", () => {
  let running: RunningNode;
  before(async () => (running = await RunningNode.start()));
  after(async () => await running.close());

  const call = async (subject: string, text = ""): Promise<string> =>
    (await running.client.request(subject, text, { timeout: 20_000 })).string();
  const gone = async (subject: string): Promise<unknown> =>
    await waitFor(
      async () =>
        await running.client.request(subject, "").then(
          () => false,
          () => true,
        ),
    );
  const undeploy = async (name: string): Promise<Reply> =>
    await running.askPatiently(`$NEX.UNDEPLOY.default.${running.node.id}`, undeployRequest(running, { name }));
  const rollback = async (name: string, hash: string, revision?: number): Promise<Reply> =>
    await running.askPatiently(
      `$NEX.ROLLBACK.default.${running.node.id}`,
      signChange(
        running,
        { name, ...(revision === undefined ? {} : { revision }) },
        { action: "rollback", name, hash },
      ),
    );

  it("is answered once the function answers", async () => {
    const { data, error } = await deployFunction(running, { name: "ready" });
    assert.equal(error, undefined);
    assert.deepEqual(
      {
        ...data,
        id: "",
        instances: data.instances.map(({ state, node_id }: Record<string, string>) => [state, node_id]),
      },
      {
        started: true,
        id: "",
        issuer: running.issuer.publicKey,
        name: "ready",
        namespace: "default",
        kind: "javascript",
        revision: 1,
        state: "running",
        instances: [["running", running.node.id]],
      },
    );
    assert.equal(await call("ready", "hello"), "hello");
  });

  it("opens its sealed environment in the function only", async () => {
    const source = "export default (event, ctx) => ctx.env;";
    const env = { GREETING: "grüß dich", EMPTY: "" };
    await deployFunction(running, { name: "sealed", source, env });
    assert.deepEqual(JSON.parse(await call("sealed")), env);
    const everything =
      JSON.stringify(await running.ask("$NEX.WORKLOADS.default")) + JSON.stringify(running.told.events);
    assert.equal(everything.includes("grüß"), false);
  });

  it("takes its artifact from nex_artifacts, where it stays", async () => {
    await deployFunction(running, { name: "stored" });
    const store = await new Objm(jetstream(running.client)).open("nex_artifacts");
    assert.equal((await store.info(sha256(ECHO)))?.size, ECHO.length);
  });

  it("of a name that runs brings the next revision, and ROLLBACK the one before", async () => {
    const [one, two] = ["export default () => 'one'", "export default () => 'two'"];
    await deployFunction(running, { name: "twice", source: one });
    const second = await deployFunction(running, { name: "twice", source: two });
    assert.equal(second.data.revision, 2);
    assert.equal(await call("twice"), "two");
    const back = await rollback("twice", sha256(one));
    assert.deepEqual([back.error, back.data.revision, back.data.state], [undefined, 1, "running"]);
    assert.equal(await call("twice"), "one");
  });

  it("cannot be rolled back to what never was", async () => {
    await deployFunction(running, { name: "once" });
    assert.equal((await rollback("once", sha256(ECHO))).code, "revision_not_found");
    assert.equal((await rollback("once", sha256(ECHO), 7)).code, "revision_not_found");
  });

  it("cannot be rolled back under claims for another artifact", async () => {
    const name = "wrong-back";
    await deployFunction(running, { name });
    await deployFunction(running, { name, source: "export default () => 2" });
    assert.equal((await rollback(name, sha256("other"))).code, "claims_mismatch");
  });

  it("is stopped by STOP", async () => {
    const { data } = await deployFunction(running, { name: "stopped" });
    const request = stopRequest(running, data.id, { name: "stopped" });
    const reply = await running.askPatiently(`$NEX.STOP.default.${running.node.id}`, request);
    assert.equal(reply.data.stopped, true);
    await gone("stopped");
  });

  it("is stopped by UNDEPLOY with all its instances", async () => {
    const { data } = await deployFunction(running, { name: "pair", request: { replicas: 2 } });
    assert.equal(data.instances.length, 2);
    const reply = await undeploy("pair");
    assert.deepEqual(reply.data, {
      stopped: true,
      name: "pair",
      instances: data.instances.map(({ id }: { id: string }) => id),
    });
    await gone("pair");
    assert.equal((await undeploy("pair")).code, "workload_not_found");
  });

  it("fails with the reason where the source is no function", async () => {
    const { code, error } = await deployFunction(running, { name: "broken", source: "export default 5" });
    assert.equal(code, "invalid_artifact");
    assert.match(error ?? "", /function/);
  });

  const refused = async (code: string, request: Record<string, unknown>): Promise<Reply> => {
    const reply = await running.askPatiently(
      deploySubject(running),
      await deployRequest(running, { name: "no", request }),
    );
    assert.equal(reply.code, code, reply.error ?? "");
    assert.equal(reply.data, "");
    return reply;
  };

  for (const subject of ["$JS.>", "$SYS.ACCOUNT.x", "$NEX.PING", "$KV.bucket.key", "_INBOX.x"]) {
    it(`refuses the trigger ${subject}`, async () => {
      await refused("subject_denied", { trigger_subjects: [subject] });
    });
  }
  for (const subject of [">", "", "a..b", "a b", ".a", "a.>.b", "a\r\nPUB x 0\r\n"]) {
    it(`refuses the trigger ${JSON.stringify(subject)}`, async () => {
      await refused("invalid_subject", { trigger_subjects: [subject] });
    });
  }

  it("admits the trigger > where that is meant", async () => {
    const reply = await deployFunction(running, {
      name: "all",
      request: { trigger_subjects: [">"], allow_all_subjects: true },
    });
    assert.equal(reply.error, undefined);
    await undeploy("all");
  });

  it("refuses arguments and variables of a service that no program can be given, by name", async () => {
    const elf = { type: "native", kind: "elf", trigger_subjects: [] };
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["a\0b", /argv.*zero byte/],
      ["x".repeat(MAX_ARGUMENT_BYTES), /argv.*131071 bytes/],
    ];
    for (const [argument, message] of wrong)
      assert.match((await refused("invalid_request", { ...elf, argv: ["fine", argument] })).error ?? "", message);
    const env = { BIG: "x".repeat(MAX_ARGUMENT_BYTES) };
    const sealed = await deployRequest(running, { env, request: elf, claims: { kind: "elf" } });
    const reply = await running.askPatiently(deploySubject(running), sealed);
    assert.equal(reply.code, "too_large");
    assert.match(reply.error ?? "", /The environment variable BIG has 131076 bytes/);
    // A function gets its variables as values.
    assert.equal((await deployFunction(running, { env })).error, undefined);
    await undeploy("fn");
  });

  it("refuses a function without triggers", async () =>
    void (await refused("invalid_request", { trigger_subjects: [] })));
  it("refuses a service with triggers", async () =>
    void (await refused("trigger_unsupported", { type: "native", kind: "elf" })));
  for (const kind of WORKLOAD_KINDS.filter((known) => !SUPPORTED_KINDS.includes(known))) {
    it(`refuses the kind ${kind}, which this release cannot run`, async () => {
      await refused("unsupported_kind", { type: legacyKind(kind), kind });
    });
  }
  it("refuses a type nobody knows", async () => void (await refused("unsupported_kind", { type: "oci" })));
  it("refuses a type and a kind that differ", async () => void (await refused("invalid_request", { kind: "wasm" })));
  it("refuses a memory limit the sandbox cannot keep", async () =>
    void (await refused("unsupported_limit", { memory_bytes: 1 << 27 })));
  it("refuses a processor limit the sandbox cannot keep", async () =>
    void (await refused("unsupported_limit", { cpus: 0.5 })));
  for (const asked of [{ deadline_ms: 3_600_001 }, { max_waiting: 65_537 }]) {
    it(`refuses to hold messages for ${JSON.stringify(asked)}`, async () => {
      const [field, value] = Object.entries(asked)[0]!;
      const { details } = await refused("unsupported_limit", asked);
      assert.deepEqual(details, { limit: `functions.${field}_limit`, asked: value, most: value - 1 });
    });
  }
  it("refuses tunnels for a function", async () =>
    void (await refused("invalid_request", { connect: ["db.example.com:5432"] })));
  const service = { type: "native", kind: "elf", trigger_subjects: [] };
  it("refuses to connect a service to what the node does not list", async () => {
    const { error, details } = await refused("connect_denied", { ...service, connect: ["DB.example.com:5432"] });
    assert.match(error!, /db\.example\.com:5432.*services\.connect/);
    assert.deepEqual(details, { destination: "db.example.com:5432" });
  });
  for (const destination of ["10.0.0.5:5432", "[::1]:4222", "2130706433:80", "db:0"]) {
    it(`refuses to connect a service to ${destination}`, async () => {
      const { details } = await refused("invalid_request", { ...service, connect: [destination] });
      assert.deepEqual(details, { field: "connect", value: destination });
    });
  }
  for (const [code, host_service_limits] of [
    ["unsupported_limit", { kv_max_bytes: 2 ** 40 }],
    ["http_denied", { http_allow: ["169.254.169.254"] }],
    ["service_disabled", { disabled: ["kv"], kv_max_bytes: 1 }],
    ["invalid_request", { http_allow: ["a b"] }],
    ["invalid_request", { disabled: ["mail"] }],
  ] as const) {
    it(`refuses host services that are wider than the node's: ${JSON.stringify(host_service_limits)}`, async () =>
      void (await refused(code, { host_service_limits })));
  }
  it("refuses to narrow the host services of a service, which has none", async () =>
    void (await refused("invalid_request", { ...service, host_service_limits: { disabled: ["kv"] } })));
  it("refuses another node's deploy", async () => {
    const { details } = await refused("invalid_request", { target_node: "N".repeat(56) });
    assert.deepEqual(details, { field: "target_node" });
  });
  it("refuses credentials of the deployer's", async () =>
    void (await refused("invalid_request", { host_services: { nats_url: "nats://x" } })));
  it("refuses an environment sealed to somebody else", async () =>
    void (await refused("environment_sealed_wrong", { environment: Buffer.alloc(64).toString("base64") })));
  it("refuses an artifact that is not there", async () => {
    const source = "export default () => 'nowhere'";
    const reply = await running.askPatiently(deploySubject(running), await deployRequest(running, { source }));
    assert.equal(reply.code, "artifact_missing");
  });
  it("refuses an object whose bytes are not what was signed", async () => {
    const source = "export default () => 'signed'";
    await upload(running.client, "export default () => 'stored'", { name: sha256(source) });
    const reply = await running.askPatiently(deploySubject(running), await deployRequest(running, { source }));
    assert.equal(reply.code, "artifact_corrupt");
  });
  it("refuses an object store that is not for artifacts", async () => {
    const reply = await refused("not_allowed", { location: { Scheme: "nats", Host: "SECRETS", Path: "/x" } });
    assert.deepEqual(reply.details, { bucket: "SECRETS" });
  });
  it("refuses the namespace of the nodes themselves", async () => {
    const reply = await running.askPatiently(deploySubject(running, "System"), await deployRequest(running));
    assert.equal(reply.code, "invalid_name");
  });
});

describe("a node with little room", () => {
  it("refuses a deploy past max_instances, also where several come at once", async () => {
    await using running = await RunningNode.start({ config: { max_instances: 2 } });
    const replies = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => await deployFunction(running, { name })),
    );
    assert.deepEqual(replies.map(({ code }) => code ?? "ok").sort(), ["no_sandbox", "no_sandbox", "ok", "ok"]);
  });

  it("refuses an artifact above max_artifact_bytes", async () => {
    await using running = await RunningNode.start({ config: { artifacts: { max_artifact_bytes: "1KiB" } } });
    const source = `export default () => "${"x".repeat(2000)}"`;
    assert.equal((await deployFunction(running, { source })).code, "too_large");
  });

  it("in lame duck mode refuses deploys, keeps what runs, and says so", async () => {
    await using running = await RunningNode.start();
    await deployFunction(running, { name: "before" });
    const subject = `$NEX.LAMEDUCK.${running.node.id}`;
    const text = (await running.request(subject)).string();
    const data = { node_id: running.node.id, success: true };
    assert.equal(text, JSON.stringify({ type: "io.nats.nex.v1.lameduck_response", data }));
    assert.deepEqual((await running.ask(subject)).data, data);
    assert.equal((await deployFunction(running, { name: "later" })).code, "lame_duck");
    assert.equal((await running.client.request("before", "still here")).string(), "still here");
    assert.equal((await running.ask("$NEX.AUCTION")).data.tags["nex.lameduck"], "true");
    await running.told.event("node_entered_lameduck");
    assert.equal(running.told.count("node_entered_lameduck"), 1);
  });
});
