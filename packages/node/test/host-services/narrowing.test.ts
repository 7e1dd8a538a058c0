import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { HostServiceLimits } from "@nex/protocol";
import { TestSystem } from "../support/system.ts";

/** Runs one call, named by the message, and answers what came of it. */
const CALLER = `export default async (event, ctx) => {
  const calls = {
    kv: () => ctx.kv.put("k", "v"),
    messaging: () => ctx.messaging.publish("somewhere", "x"),
    object_store: () => ctx.objectStore.put("o", "v"),
    http: async () => (await fetch(event.headers.get("url"))).status,
  };
  try { await calls[event.text()](); return "ok"; } catch (error) { return error.code ?? error.name; }
};`;

describe("A function whose deploy narrows its host services", () => {
  let system: TestSystem;
  let server: Server;
  let port: number;

  before(async () => {
    server = createServer((_, response) => response.end("reached")).listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
    system = await TestSystem.start({ hostServices: { http: { allow_named: [`127.0.0.1:${port}`] } } });
  });
  after(async () => {
    await system[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });

  const deploy = async (name: string, hostServiceLimits?: HostServiceLimits): Promise<void> => {
    await system.deploy(CALLER, { name, ...(hostServiceLimits === undefined ? {} : { hostServiceLimits }) });
  };
  const call = async (name: string, what: string, host = "127.0.0.1"): Promise<string> => {
    const { headers } = await import("@nats-io/transport-node");
    const fields = headers();
    fields.set("url", `http://${host}:${port}/`);
    return (await system.request(name, what, fields)).string();
  };

  it("does not get the services it is deployed without, and has the others", async () => {
    await deploy("less", { disabled: ["kv", "http"] });
    await deploy("all");
    assert.deepEqual(
      await Promise.all(["kv", "messaging", "object_store", "http"].map(async (what) => await call("less", what))),
      ["service_disabled", "ok", "ok", "service_disabled"],
    );
    assert.deepEqual(await Promise.all(["kv", "http"].map(async (what) => await call("all", what))), [
      "ok",
      "http_denied",
    ]);
  });

  it("reaches by http what it names, and nothing else", async () => {
    await deploy("names", { http_allow: [`127.0.0.1:${port}`] });
    assert.equal(await call("names", "http"), "ok");
    assert.equal(await call("names", "http", "127.0.0.2"), "http_denied");
    await deploy("unnamed");
    assert.equal(await call("unnamed", "http"), "http_denied", "open only to who names it");
    await deploy("other", { http_allow: ["example.invalid"] });
    assert.equal(await call("other", "http"), "http_denied");
  });

  it("has a bucket of the size it asks for", async () => {
    await deploy("small", { kv_max_bytes: 4096 });
    assert.equal(await call("small", "kv"), "ok");
    const manager = await jetstreamManager(system.client);
    assert.equal((await manager.streams.info("KV_hs_default_small_kv")).config.max_bytes, 4096);
  });

  it("has in each revision what that revision's deploy says, after a rollback too", async () => {
    await deploy("turns", { disabled: ["kv"] });
    assert.equal(await call("turns", "kv"), "service_disabled");
    await deploy("turns");
    assert.equal(await call("turns", "kv"), "ok");
    await system.supervisor.rollback("default", "turns", 1);
    assert.equal(await call("turns", "kv"), "service_disabled");
  });
});
