import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { join } from "node:path";
import { temporaryDirectory, type TemporaryDirectory, waitFor } from "@nex/testing";
import { NexClient } from "../src/index.ts";
import { expectNexError } from "./support/expect-nex-error.ts";
import { activeTimers, openOn } from "./support/open-handles.ts";
import { source, TestSystem } from "./support/system.ts";

describe("NexClient", () => {
  it("leaves nothing behind on a connection it was given", async () => {
    await using system = await TestSystem.start();
    await system.node();
    const connection = await system.connection();
    const before = activeTimers();
    const nex = await system.client({ connection });
    const artifact = source("(event) => event.text()");
    await nex.workloads.deploy({ name: "echo", kind: "javascript", artifact, triggers: ["echo"] });
    await nex.workloads.trigger("echo", { data: "x" });
    await Promise.all([nex.nodes.list(), nex.workloads.list(), nex.logs.recent(), nex.events.recent()]);
    const logs = nex.logs.follow();
    const events = nex.events.follow();
    await nex.workloads.stop("echo");
    assert.deepEqual(openOn(connection), { requests: 0, subscriptions: 3 });
    await nex.close();
    assert.deepEqual(await logs.next(), { value: undefined, done: true });
    await events.return();
    await waitFor(() => openOn(connection).subscriptions === 0);
    assert.deepEqual(openOn(connection), { requests: 0, subscriptions: 0 });
    assert.ok(!connection.isClosed());
    await waitFor(() => activeTimers() <= before, { message: "the client's timers to be gone" });
  });

  it("cancels what is under way when it is closed", async () => {
    await using system = await TestSystem.start();
    const connection = await system.connection();
    connection.subscribe("$NEX.>");
    const nex = await system.client({ connection, timeoutMs: 60_000 });
    const listing = nex.nodes.list();
    await waitFor(() => openOn(connection).requests === 1);
    await nex.close();
    await expectNexError("cancelled", listing);
    await expectNexError("cancelled", nex.workloads.list());
    assert.equal(openOn(connection).requests, 0);
  });

  it("closes the connection it made", async () => {
    await using system = await TestSystem.start();
    const nex = await NexClient.connect({ connectOptions: { servers: system.nats.url } });
    assert.deepEqual(await nex.nodes.list(), []);
    await nex.close();
    await nex.close();
    await expectNexError("cancelled", nex.nodes.list());
  });

  it("says which server it cannot reach or is refused by, and no secret", async () => {
    const gone = await NexClient.connect({ connectOptions: { servers: "nats://me:secret@127.0.0.1:1" } }).catch(
      (error) => error,
    );
    assert.equal(gone.code, "connection_failed");
    assert.match(gone.message, /nats:\/\/127\.0\.0\.1:1:/);
    assert.doesNotMatch(JSON.stringify(gone), /secret/);
    await using system = await TestSystem.start({ auth: { user: "me", password: "right" } });
    const connectOptions = { servers: system.nats.url, user: "me", pass: "wrong" };
    await expectNexError("authentication_failed", NexClient.connect({ connectOptions }));
  });

  it("refuses options that cannot be meant", async () => {
    await using system = await TestSystem.start();
    const connection = await system.connection();
    for (const timeoutMs of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      await expectNexError("invalid_request", NexClient.connect({ connection, timeoutMs }));
      await expectNexError("invalid_request", NexClient.connect({ connection, deployTimeoutMs: timeoutMs }));
    }
    await expectNexError("invalid_request", NexClient.connect({ connection, connectOptions: {} }));
    await expectNexError("invalid_name", NexClient.connect({ connection, namespace: "a.b" }));
    await expectNexError("invalid_name", NexClient.connect({ connection, namespace: "system" }));
  });

  it("tells that the connection has ended", async () => {
    await using system = await TestSystem.start();
    const connection = await system.connection();
    const nex = await system.client({ connection });
    const logs = nex.logs.follow();
    await connection.close();
    await expectNexError("connection_failed", logs.next());
    await expectNexError("connection_failed", nex.nodes.list());
    assert.throws(() => nex.logs.follow(), { code: "connection_failed" });
  });
});

describe("NexClient without rights", () => {
  it("says what it may not do", async () => {
    const config = `
      authorization { users: [
        { user: node, password: node }
        { user: guest, password: guest, permissions: { publish: ["$NEX.PING", "$NEX.WORKLOADS.*"], subscribe: ["_INBOX.>", "$NEX.events.default.*"] } }
        { user: blind, password: blind, permissions: { publish: ["$NEX.WORKLOADS.*"] } }
        { user: mute, password: mute, permissions: { subscribe: { deny: "_INBOX.>" } } }
      ] }`;
    await using system = await TestSystem.start({ config });
    const servers = system.nats.url;
    const guest = await system.client({ connectOptions: { servers, user: "guest", pass: "guest" } });
    assert.deepEqual(await guest.nodes.list(), []);
    const artifact = source("() => 1");
    const deploying = guest.workloads.deploy({ name: "a", kind: "javascript", artifact, triggers: ["a"] });
    await expectNexError("no_node", deploying);
    const blind = await system.client({ connectOptions: { servers, user: "blind", pass: "blind" } });
    const refused = blind.workloads.deploy({ name: "a", kind: "javascript", artifact, triggers: ["a"] });
    assert.match((await expectNexError("not_allowed", refused)).message, /publish to "\$NEX\.PING"/);
    assert.match(
      (await expectNexError("not_allowed", guest.logs.follow().next())).message,
      /subscribe to "\$NEX\.logs/,
    );
    await expectNexError("not_allowed", guest.events.follow().next());
    await using events = guest.events.follow({ system: false });
    const first = events.next();
    const node = await system.connection({ user: "node", pass: "node" });
    node.publish("$NEX.events.default.x", JSON.stringify({ specversion: "1.0", id: "1", source: "s", type: "x" }));
    assert.equal((await first).value?.type, "x");
    const mute = await system.client({ connectOptions: { servers, user: "mute", pass: "mute" } });
    await expectNexError("not_allowed", mute.nodes.list());
  });
});

describe("NexClient without an issuer", () => {
  let home: TemporaryDirectory;
  const { HOME, XDG_CONFIG_HOME } = process.env;

  beforeEach(async () => {
    home = await temporaryDirectory();
    process.env["HOME"] = home.path;
    process.env["XDG_CONFIG_HOME"] = join(home.path, "config");
  });
  afterEach(async () => {
    for (const [name, value] of Object.entries({ HOME, XDG_CONFIG_HOME })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await home[Symbol.asyncDispose]();
  });

  it("makes the user's key when one is needed, and uses it from then on", async () => {
    await using system = await TestSystem.start();
    await system.node();
    const connectOptions = { servers: system.nats.url };
    await using first = await NexClient.connect({ connectOptions });
    const artifact = source("() => 1");
    await first.workloads.deploy({ name: "mine", kind: "javascript", artifact, triggers: ["mine"] });
    await using second = await NexClient.connect({ connectOptions });
    assert.equal((await second.workloads.stop("mine")).instances.length, 1);
  });
});
