import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { connect, nkeys } from "@nats-io/transport-node";
import { type NexError, toNexError } from "@nex/protocol";
import { startNatsServer, temporaryDirectory, type TestNats, waitFor } from "@nex/testing";
import type { ConnectionSource } from "../../src/connections/connection-source.ts";
import { NamespaceConnections } from "../../src/connections/namespace-connections.ts";
import { type NamespaceCredentials, namespaceCredentialsSchema } from "../../src/connections/namespace-credentials.ts";
import { startEmbeddedNats } from "@nex/embedded-nats";

const NODE = { user: "node", password: "node-password" };
const ORDERS = { user: "orders", password: "orders-password" };
const USERS = `authorization { users: [
  { user: node, password: node-password }
  { user: orders, password: orders-password, permissions: { publish: "orders.>", subscribe: ["orders.>", "_INBOX_orders.>"] } }
] }`;

interface Given {
  readonly namespaces?: Readonly<Record<string, NamespaceCredentials>>;
  readonly shareNodeConnection?: boolean;
  readonly authRequired?: boolean;
}

function connectionsTo(
  server: TestNats,
  { namespaces = {}, shareNodeConnection = false, authRequired = true }: Given = {},
): NamespaceConnections {
  const source: ConnectionSource = { kind: "server", authRequired, namespaces, shareNodeConnection };
  const login = authRequired ? { user: NODE.user, pass: NODE.password } : {};
  return new NamespaceConnections({ node: { servers: server.url, ...login }, source });
}

describe("a namespace's connection", () => {
  it("is opened once for all that use it, and closed by the last release", async () => {
    await using server = await startNatsServer();
    await using connections = connectionsTo(server, { authRequired: false });
    const [one, two] = await Promise.all([connections.acquire("a"), connections.acquire("a")]);
    const other = await connections.acquire("b");
    assert.equal(one.connection, two.connection);
    assert.notEqual(one.connection, other.connection);
    await one.release();
    await one.release();
    assert.equal(two.connection.isClosed(), false);
    await two[Symbol.asyncDispose]();
    assert.equal(two.connection.isClosed(), true);
    assert.equal(other.connection.isClosed(), false);
    const again = await connections.acquire("a");
    assert.equal(again.connection.isClosed(), false);
    assert.notEqual(again.connection, one.connection);
  });

  it("sends what was still to be sent when it is released", async () => {
    await using server = await startNatsServer();
    await using listener = await connect({ servers: server.url });
    const heard: string[] = [];
    listener.subscribe("last", { callback: (_, message) => void heard.push(message.string()) });
    await listener.flush();
    await using connections = connectionsTo(server, { authRequired: false });
    const lease = await connections.acquire("a");
    lease.connection.publish("last", "words");
    await lease.release();
    await listener.flush();
    assert.deepEqual(heard, ["words"]);
  });

  it("is opened anew after it ended for good, and after it failed to open", async () => {
    await using server = await startNatsServer({ config: USERS });
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "orders.nk");
    await using connections = connectionsTo(server, { namespaces: { orders: ORDERS, late: { nkey: file } } });
    const first = await connections.acquire("orders");
    await first.connection.close();
    const second = await waitFor(async () => {
      const lease = await connections.acquire("orders");
      return lease.connection.isClosed() ? undefined : lease;
    });
    await first.release();
    assert.equal(second.connection.isClosed(), false);

    await assert.rejects(connections.acquire("late"), { code: "file_not_found" });
    await writeFile(file, "no seed");
    await assert.rejects(connections.acquire("late"), { code: "invalid_request", message: /is not an nkey seed/ });
    await writeFile(file, nkeys.createUser().getSeed());
    await assert.rejects(connections.acquire("late"), { code: "authentication_failed" });
  });

  it("is closed with all others, and none is opened after that", async () => {
    await using server = await startNatsServer();
    const connections = connectionsTo(server, { authRequired: false });
    const lease = await connections.acquire("a");
    const opening = connections.acquire("b");
    await connections.close();
    assert.equal(lease.connection.isClosed(), true);
    assert.equal((await opening).connection.isClosed(), true);
    await assert.rejects(connections.acquire("a"), { code: "connection_failed" });
    await lease.release();
  });

  it("is closed although the server is away", async () => {
    const server = await startNatsServer();
    const connections = connectionsTo(server, { authRequired: false });
    const lease = await connections.acquire("a");
    await server.stop();
    await lease.release();
    assert.equal(lease.connection.isClosed(), true);
  });

  it("refuses names that cannot be a namespace", async () => {
    await using server = await startNatsServer();
    await using connections = connectionsTo(server, { authRequired: false });
    for (const name of ["a.b", ">", ""]) await assert.rejects(connections.acquire(name), { code: "invalid_name" });
  });
});

describe("credentials of a namespace", () => {
  it("come from the embedded server, which keeps the namespaces apart", async () => {
    await using directory = await temporaryDirectory();
    await using server = await startEmbeddedNats({
      storeDirectory: directory.path,
      contextFile: join(directory.path, "context.json"),
    });
    const login = { servers: server.url, user: server.node.user, pass: server.node.password };
    const source: ConnectionSource = {
      kind: "embedded",
      ensureNamespace: async (namespace) => await server.ensureNamespace(namespace),
      ensureStorage: async (owner) => await server.ensureStorage(owner),
    };
    await using connections = new NamespaceConnections({ node: login, source });
    assert.deepEqual(connections.warnings(), []);
    await using node = await connect(login);
    const { connection } = await connections.acquire("orders");
    const heard: string[] = [];
    connection.subscribe("orders.*.price", { callback: (_, message) => void heard.push(message.subject) });
    connection.subscribe("orders.price", { callback: (_, message) => void message.respond("7") });
    await connection.flush();
    assert.equal((await node.request("orders.price")).string(), "7");
    assert.match((await connection.request("orders.price")).subject, /^_INBOX_orders\./);
    for (const subject of ["_INBOX.x.price", "$KV.x.price", "orders.y.price"]) node.publish(subject);
    await node.flush();
    await connection.flush();
    assert.deepEqual(heard, ["orders.y.price"]);
  });

  it("come from the node's config, with an inbox of the namespace's own", async () => {
    await using server = await startNatsServer({ config: USERS });
    await using connections = connectionsTo(server, { namespaces: { orders: ORDERS } });
    assert.deepEqual(connections.warnings(), []);
    const { connection } = await connections.acquire("orders");
    connection.subscribe("orders.echo", { callback: (_, message) => void message.respond(message.data) });
    // The echo may publish orders.> only: the answer comes from the node's side.
    await using node = await connect({ servers: server.url, user: NODE.user, pass: NODE.password });
    node.subscribe("orders.ask", { callback: (_, message) => void message.respond("yes") });
    await node.flush();
    const answer = await connection.request("orders.ask");
    assert.equal(answer.string(), "yes");
    assert.match(answer.subject, /^_INBOX_orders\./);
  });

  it("may be a token, an nkey seed or creds, and another inbox", async () => {
    await using directory = await temporaryDirectory();
    const key = nkeys.createUser();
    const seed = join(directory.path, "orders.nk");
    await writeFile(seed, `${new TextDecoder().decode(key.getSeed())}\n`);
    const creds = join(directory.path, "orders.creds");
    const seedText = new TextDecoder().decode(key.getSeed());
    // The server here knows the nkey and not the token (JWT) beside it, and checks the former.
    await writeFile(
      creds,
      `-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seedText}\n------END USER NKEY SEED------\n`,
    );
    await using byKey = await startNatsServer({
      config: `authorization { users: [ { nkey: ${key.getPublicKey()} } ] }`,
    });
    for (const credentials of [{ nkey: seed }, { creds }]) {
      await using connections = connectionsTo(byKey, { namespaces: { orders: credentials } });
      assert.equal((await connections.acquire("orders")).connection.isClosed(), false);
    }
    await using byToken = await startNatsServer({ auth: { token: "secret" } });
    await using connections = connectionsTo(byToken, {
      namespaces: { orders: { token: "secret", inbox_prefix: "_INBOX.mine" } },
    });
    const { connection } = await connections.acquire("orders");
    connection.subscribe("echo", { callback: (_, message) => void message.respond() });
    assert.match((await connection.request("echo")).subject, /^_INBOX\.mine\./);
  });

  it("are asked for by name when the server wants some and there are none", async () => {
    await using server = await startNatsServer({ config: USERS });
    await using connections = connectionsTo(server, { namespaces: { orders: ORDERS } });
    // Nothing a name can be is found by accident among an object's own methods either.
    for (const namespace of ["billing", "constructor", "toString"]) {
      await assert.rejects(connections.acquire(namespace), (error: NexError) => {
        assert.equal(error.code, "namespace_credentials_missing");
        assert.match(error.message, new RegExp(`namespaces\\.${namespace} .*share_node_connection`));
        return true;
      });
    }
  });

  it("may be the node's, by explicit choice, with a warning", async () => {
    await using server = await startNatsServer({ config: USERS });
    await using connections = connectionsTo(server, { shareNodeConnection: true, namespaces: { orders: ORDERS } });
    const warnings = connections.warnings();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /share_node_connection/);
    const lease = await connections.acquire("billing");
    lease.connection.publish("anything");
    await lease.connection.flush();
    // A namespace that has its own keeps to them.
    const { connection } = await connections.acquire("orders");
    const refused: string[] = [];
    void (async () => {
      for await (const status of connection.status()) if (status.type === "error") refused.push(status.error.message);
    })();
    connection.publish("anything");
    await connection.flush();
    await waitFor(() => refused.length > 0, { message: "the refusal" });
  });

  it("are not needed on a server that asks for none, which is warned about in one line", async () => {
    await using server = await startNatsServer();
    await using probe = await connect({ servers: server.url });
    await using connections = connectionsTo(server, { authRequired: probe.info?.auth_required === true });
    const warnings = connections.warnings();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", new RegExp(`${server.url} asks nobody for credentials`));
    await (await connections.acquire("a")).connection.flush();
  });

  it("that the server refuses are told with the namespace's name", async () => {
    await using server = await startNatsServer({ config: USERS });
    await using connections = connectionsTo(server, { namespaces: { orders: { ...ORDERS, password: "wrong" } } });
    await assert.rejects(connections.acquire("orders"), {
      code: "authentication_failed",
      message: /namespace "orders"/,
    });
  });

  it("are read again at a reconnect", async () => {
    await using directory = await temporaryDirectory();
    await using servers = new AsyncDisposableStack();
    const [old, replaced] = [nkeys.createUser(), nkeys.createUser()];
    const seed = join(directory.path, "orders.nk");
    await writeFile(seed, old.getSeed());
    const admitting = (key: nkeys.KeyPair): string => `authorization { users: [ { nkey: ${key.getPublicKey()} } ] }`;
    const first = servers.use(await startNatsServer({ config: admitting(old) }));
    await using connections = connectionsTo(first, { namespaces: { orders: { nkey: seed } } });
    const { connection } = await connections.acquire("orders");
    const seen: string[] = [];
    void (async () => {
      for await (const status of connection.status()) seen.push(status.type);
    })();

    // A file that is gone, or half written, does not stop the tries.
    await writeFile(seed, "SU");
    await first.stop();
    const second = servers.use(await startNatsServer({ config: admitting(old), port: first.port }));
    await waitFor(() => seen.includes("reconnect"), { message: "the connection to come back with the old key" });

    seen.length = 0;
    await writeFile(seed, replaced.getSeed());
    await second.stop();
    servers.use(await startNatsServer({ config: admitting(replaced), port: first.port }));
    await waitFor(() => seen.includes("reconnect"), { message: "the connection to come back with the new key" });
  });
});

describe("namespaceCredentialsSchema", () => {
  it("admits one way to log in, not two, none or half of one", () => {
    const good = [
      { creds: "a" },
      { user: "a", password: "b" },
      { token: "a" },
      { nkey: "a", inbox_prefix: "_INBOX_a.b" },
    ];
    for (const credentials of good) assert.deepEqual(namespaceCredentialsSchema.parse(credentials), credentials);
    const bad = [
      {},
      { user: "a" },
      { creds: "a", token: "b" },
      { creds: "" },
      { token: "a", other: 1 },
      { token: "a", inbox_prefix: "a.>" },
      null,
      "a",
    ];
    for (const credentials of bad) {
      assert.throws(
        () => namespaceCredentialsSchema.parse(credentials),
        (error) => toNexError(error).message !== "",
        JSON.stringify(credentials),
      );
    }
  });
});
