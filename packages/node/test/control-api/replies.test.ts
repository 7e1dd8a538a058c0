import assert from "node:assert/strict";
import { arch, availableParallelism, platform } from "node:os";
import { after, before, describe, it } from "node:test";
import { legacyKind } from "@nex/protocol";
import { SUPPORTED_KINDS } from "../../src/version.ts";
import {
  deployFunction,
  deployRequest,
  deploySubject,
  ECHO,
  sha256,
  signChange,
  stopRequest,
  upload,
} from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

/** What Go's decoder accepts as the node's uptime. */
const UPTIME = /^(\d+m)?\d+s$/;

describe("replies of the control API, as a 0.2.7 client reads them", () => {
  let running: RunningNode;
  let id: string;
  let started: Reply;
  before(async () => {
    running = await RunningNode.start({ config: { tags: { node_name: "quiet-river" } } });
    started = await deployFunction(running, { name: "echo" });
    id = started.data.id;
  });
  after(async () => await running.close());

  const tags = (): Record<string, string> => ({
    node_name: "quiet-river",
    "nex.os": platform() === "win32" ? "windows" : platform(),
    "nex.arch": { x64: "amd64", ia32: "386" }[arch() as string] ?? arch(),
    "nex.cpucount": String(availableParallelism()),
    "nex.sandbox": "process",
    "nex.unsafe": "true",
  });

  const pinged = async (subject: string, type: string): Promise<void> => {
    const text = (await running.request(subject)).string();
    const { uptime, target_xkey, nodes } = (JSON.parse(text) as Reply).data;
    assert.match(uptime, UPTIME);
    assert.match(target_xkey, /^X[A-Z2-7]{55}$/);
    const data = {
      node_id: running.node.id,
      nexus: "nexus",
      version: "0.1.0",
      uptime,
      target_xkey,
      tags: tags(),
      running_machines: 1,
      // Ours, after all that 0.2.7 has, once the node knows.
      ...(nodes === undefined ? {} : { nodes: [running.node.id] }),
    };
    assert.equal(text, JSON.stringify({ type: `io.nats.nex.v1.${type}`, data }));
  };

  it("PING", async () => await pinged("$NEX.PING", "ping_response"));
  it("PING of one node", async () => await pinged(`$NEX.PING.${running.node.id}`, "ping_response"));
  it("AUCTION without a body", async () => await pinged("$NEX.AUCTION", "auction_response"));

  it("INFO", async () => {
    const text = (await running.request(`$NEX.INFO.default.${running.node.id}`)).string();
    const { uptime, public_xkey, memory, machines } = (JSON.parse(text) as Reply).data;
    assert.match(uptime, UPTIME);
    assert.match(public_xkey, /^X[A-Z2-7]{55}$/);
    for (const key of ["total", "free", "available"]) assert.ok(Number.isSafeInteger(memory[key]), key);
    const up = machines[0].uptime;
    assert.match(up, UPTIME);
    const data = {
      version: "0.1.0",
      uptime,
      public_xkey,
      tags: tags(),
      memory,
      machines: [
        {
          id,
          healthy: true,
          uptime: up,
          namespace: "default",
          workload: { name: "echo", description: "made by a test", runtime: up, type: "v8", hash: sha256(ECHO) },
        },
      ],
      supported_workload_types: SUPPORTED_KINDS.map(legacyKind),
      node_id: running.node.id,
      nexus: "nexus",
      sandbox: "process",
      kinds: SUPPORTED_KINDS,
      max_artifact_bytes: 2 ** 28,
      host_services: [
        { name: "kv", max_bytes: 2 ** 19 },
        { name: "messaging" },
        { name: "object_store", max_bytes: 2 ** 28 },
        { name: "http" },
      ],
    };
    assert.equal(text, JSON.stringify({ type: "io.nats.nex.v1.info_response", data }));
  });

  it("INFO lists only machines of its namespace", async () => {
    const { data } = await running.ask(`$NEX.INFO.other.${running.node.id}`);
    assert.deepEqual(data.machines, []);
  });

  it("INFO takes the namespace in any case", async () => {
    const { data } = await running.ask(`$NEX.INFO.DEFAULT.${running.node.id}`);
    assert.equal(data.machines.length, 1);
  });

  for (const [what, tail] of [
    ["a namespace", () => "default"],
    ["an instance id", () => `default.${id}`],
    ["a name in another case", () => "Default.ECHO"],
  ] as const) {
    it(`WPING by ${what}`, async () => {
      const text = (await running.request(`$NEX.WPING.${tail()}`)).string();
      const { target_xkey, uptime } = (JSON.parse(text) as Reply).data;
      const data = {
        node_id: running.node.id,
        target_xkey,
        version: "0.1.0",
        uptime,
        running_machines: [{ id, namespace: "default", name: "echo", type: "v8" }],
        tags: tags(),
      };
      assert.equal(text, JSON.stringify({ type: "io.nats.nex.v1.ping_response", data }));
    });
  }

  for (const tail of ["other", "default.nobody", "default.echo2", "other.echo"]) {
    it(`WPING of ${tail} is not answered`, async () => {
      const inbox = running.client.subscribe("silence");
      running.client.publish(`$NEX.WPING.${tail}`, "", { reply: "silence" });
      // The node answers its messages in order: what was to come has come before this.
      await running.ask(`$NEX.INFO.default.${running.node.id}`);
      assert.equal(inbox.getReceived(), 0);
      inbox.unsubscribe();
    });
  }

  it("DEPLOY", () => {
    const { issuer } = running;
    assert.equal(started.type, "io.nats.nex.v1.run_response");
    assert.deepEqual(Object.entries(started.data).slice(0, 4), [
      ["started", true],
      ["id", id],
      ["issuer", issuer.publicKey],
      ["name", "echo"],
    ]);
    assert.match(id, /^[0-9a-v]{20}$/);
    assert.equal("error" in started, false);
  });

  it("a refusal has empty text for data and the reason in error", async () => {
    const text = (await running.request(deploySubject(running), "{}")).string();
    const { error, details } = JSON.parse(text) as Reply;
    const reply = { type: "io.nats.nex.v1.run_response", data: "", error, code: "invalid_request", details };
    assert.equal(text, JSON.stringify(reply));
  });

  it("STOP", async () => {
    const { data } = await deployFunction(running, { name: "short" });
    const text = (
      await running.request(`$NEX.STOP.default.${running.node.id}`, stopRequest(running, data.id, { name: "short" }))
    ).string();
    const expected = { stopped: true, id: data.id, issuer: running.issuer.publicKey, name: "short" };
    assert.equal(text, JSON.stringify({ type: "io.nats.nex.v1.stop_response", data: expected }));
  });
});

describe("a deploy request as Go writes it", () => {
  let running: RunningNode;
  before(async () => {
    running = await RunningNode.start();
    await upload(running.client, ECHO);
  });
  after(async () => await running.close());

  const deploys = async (name: string, change: (request: Record<string, unknown>) => unknown): Promise<void> => {
    const { workload_jwt: _, ...body } = await deployRequest(running, { name });
    const claims = { action: "deploy", name, kind: "javascript", hash: sha256(ECHO) } as const;
    const request = signChange(running, change({ ...body }) as object, claims);
    const reply = await running.ask(deploySubject(running), request);
    assert.equal(reply.error, undefined);
    assert.equal(reply.data.name, name);
  };

  it("has a capitalised location", async () =>
    await deploys("capital", (request) => {
      assert.deepEqual(Object.keys(request["location"] as object).slice(0, 5), [
        "Scheme",
        "Opaque",
        "User",
        "Host",
        "Path",
      ]);
      return request;
    }));

  it("may have lower-case keys in its location", async () =>
    await deploys("lower", (request) => ({
      ...request,
      location: { scheme: "nats", host: "nex_artifacts", path: sha256(ECHO) },
    })));

  it("may have its keys in any case", async () =>
    await deploys("shout", (request) =>
      Object.fromEntries(Object.entries(request).map(([key, value]) => [key.toUpperCase(), value])),
    ));

  it("may have null for what it leaves out", async () =>
    await deploys("nulls", (request) => ({
      ...request,
      argv: null,
      description: null,
      jsdomain: null,
      trigger_connection: null,
      host_services: null,
      retried_at: null,
      tags: null,
    })));

  it("may have keys nobody knows", async () =>
    await deploys("unknown", (request) => ({ ...request, something: { quite: ["else"] } })));

  it("has its environment in base64", async () => {
    const request = await deployRequest(running, { name: "env" });
    assert.match(request.environment, /^eGt2M[Q-Za-f][A-Za-z0-9+/]+=*$/);
    assert.equal((await running.ask(deploySubject(running), request)).error, undefined);
  });
});
