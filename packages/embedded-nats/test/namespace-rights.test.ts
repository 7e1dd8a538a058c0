import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { DENIED_SUBJECTS, subjectsOverlap } from "@nex/protocol";
import { temporaryDirectory, type TemporaryDirectory } from "@nex/testing";
import { type EmbeddedNats, startEmbeddedNats } from "../src/embedded-nats.ts";
import { DENY_FILTER_SUBJECT, namespaceInbox, namespaceRights, type UserRights } from "../src/namespace-rights.ts";
import { checkNamespaceSubject, subjectScope } from "../src/namespace-subjects.ts";

let directory: TemporaryDirectory;
let server: EmbeddedNats;
let node: NatsConnection;

async function asNamespace(namespace: string): Promise<NatsConnection> {
  const { user, password } = await server.ensureNamespace(namespace);
  const connection = await connect({
    servers: server.url,
    user,
    pass: password,
    inboxPrefix: namespaceInbox(namespace),
  });
  connection.subscribe(DENY_FILTER_SUBJECT, { callback: () => {} });
  return connection;
}

/** Subjects of what a connection hears until everything that `send` published has come by. */
async function heardBy(
  listener: NatsConnection,
  pattern: string,
  send: (publisher: NatsConnection) => void,
): Promise<string[]> {
  const subjects: string[] = [];
  const errors: Error[] = [];
  const subscription = listener.subscribe(pattern, {
    callback: (error, message: Msg) => void (error === null ? subjects.push(message.subject) : errors.push(error)),
  });
  await listener.flush();
  send(node);
  // The server handles a client's messages in order, and has passed them on when it answers the second ping.
  await node.flush();
  await listener.flush();
  if (errors.length === 0) subscription.unsubscribe();
  return errors.length > 0 ? ["refused"] : subjects;
}

before(async () => {
  directory = await temporaryDirectory();
  server = await startEmbeddedNats({
    storeDirectory: directory.path,
    contextFile: `${directory.path}/context.json`,
    subjects: {
      sales: { publish: ["sales.>", "orders.new"], subscribe: ["sales.>", "*.sold"] },
    },
  });
  node = await connect({ servers: server.url, user: server.node.user, pass: server.node.password });
});

after(async () => {
  await node.close();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

describe("a namespace's user", () => {
  it("sends, hears and asks on ordinary subjects, and answers callers with any inbox", async () => {
    await using orders = await asNamespace("orders");
    orders.subscribe("orders.new", { callback: (_, message) => void message.respond(`priced ${message.string()}`) });
    await orders.flush();
    assert.equal((await node.request("orders.new", "1")).string(), "priced 1");
    assert.equal((await orders.request("orders.new", "2")).string(), "priced 2");
    assert.deepEqual(await heardBy(orders, "orders.*", (publisher) => publisher.publish("orders.x")), ["orders.x"]);
  });

  it("answers a caller many times and as late as it likes", async () => {
    await using orders = await asNamespace("orders");
    let request: Msg | undefined;
    orders.subscribe("orders.slow", { callback: (_, message) => void (request = message) });
    await orders.flush();
    const replies: string[] = [];
    node.subscribe("_INBOX.caller", { callback: (_, message) => void replies.push(message.string()) });
    node.publish("orders.slow", "", { reply: "_INBOX.caller" });
    await node.flush();
    await orders.flush();
    for (const part of ["a", "b", "c"]) request?.respond(part);
    await orders.flush();
    await node.flush();
    assert.deepEqual(replies, ["a", "b", "c"]);
  });

  it("cannot be made to write where only the node may, by a reply subject or directly", async () => {
    await using orders = await asNamespace("orders");
    const written: string[] = [];
    const refused: string[] = [];
    for (const subject of ["$KV.>", "$O.>", "$NEX.>", "$JS.API.>"]) {
      node.subscribe(subject, { callback: (_, message) => void written.push(message.subject) });
    }
    orders.subscribe("orders.deputy", { callback: (_, message) => void message.respond("overwritten") });
    void (async () => {
      for await (const status of orders.status()) if (status.type === "error") refused.push(status.error.message);
    })();
    await orders.flush();
    await node.flush();
    node.publish("orders.deputy", "", { reply: "$KV.other.key" });
    await node.flush();
    await orders.flush();
    const direct = ["$KV.other.key", "$O.artifacts.C.x", "$NEX.DEPLOY.default.N", "$JS.API.STREAM.DELETE.KV_other"];
    for (const subject of direct) orders.publish(subject, "overwritten");
    await orders.flush();
    await node.flush();
    assert.deepEqual(written, []);
    assert.equal(refused.length, 1 + direct.length);
    assert.match(refused[0] ?? "", /Permissions Violation for Publish to "\$KV\.other\.key"/);
  });

  it("reads nobody else's inbox, by name or by wildcard", async () => {
    await using orders = await asNamespace("default");
    await using _billing = await asNamespace("billing");
    const replies = (publisher: NatsConnection): void => {
      for (const subject of ["_INBOX.x.1", "_INBOX_billing.x.1", "_INBOX_default.x.1", "plain.x.1"])
        publisher.publish(subject);
    };
    assert.deepEqual(await heardBy(orders, "_INBOX.>", replies), ["refused"]);
    assert.deepEqual(await heardBy(orders, "_INBOX_billing.>", replies), ["refused"]);
    // One that takes in all of a denied pattern comes last: it would turn on the server's filter for the others.
    for (const pattern of ["*.x.1", "*.x.*", "*.*.*", "*.>", ">"]) {
      assert.deepEqual(await heardBy(orders, pattern, replies), ["_INBOX_default.x.1", "plain.x.1"], pattern);
    }
    assert.deepEqual(await heardBy(orders, "_INBOX_default.>", replies), ["_INBOX_default.x.1"]);
  });

  it("does not hear control messages, nor the writes of a key-value store", async () => {
    await using orders = await asNamespace("default");
    const send = (publisher: NatsConnection): void => {
      for (const subject of ["$NEX.events.orders.x", "$KV.other.key", "$SRV.PING"]) publisher.publish(subject);
    };
    for (const pattern of ["$NEX.>", "$KV.>", "$SRV.>", "$SYS.>", "$JS.>", "$JS.EVENT.ADVISORY.>"]) {
      assert.deepEqual(await heardBy(orders, pattern, send), ["refused"], pattern);
    }
    assert.deepEqual(await heardBy(orders, "*.>", send), []);
  });
});

describe("two namespaces on one server", () => {
  it("neither read nor answer each other's subjects, by name or by wildcard", async () => {
    await using orders = await asNamespace("orders");
    await using billing = await asNamespace("billing");
    orders.subscribe("orders.new", { callback: (_, message) => void message.respond("honest") });
    await orders.flush();
    const send = (publisher: NatsConnection): void => publisher.publish("orders.new", "secret");
    for (const pattern of ["orders.new", "orders.*", "orders.>", "orders", "*.new", "*.*", "*.>", "*", ">"])
      assert.deepEqual(await heardBy(billing, pattern, send), ["refused"], pattern);
    await assert.rejects(billing.request("orders.new", "x", { timeout: 1000 }), /Permissions Violation/i);
    assert.equal((await node.request("orders.new")).string(), "honest");
  });

  it("keep their subjects from the namespace that has all others", async () => {
    await using orders = await asNamespace("orders");
    await using rest = await asNamespace("default");
    await orders.flush();
    const send = (publisher: NatsConnection): void => {
      for (const subject of ["orders.new", "sales.new", "everyday.new", "orders"]) publisher.publish(subject, "secret");
    };
    assert.deepEqual(await heardBy(rest, "orders.new", send), ["refused"]);
    assert.deepEqual(await heardBy(rest, "sales.>", send), ["refused"]);
    assert.deepEqual(await heardBy(rest, "*", send), []);
  });

  it("share what the operator lists, in that direction only", async () => {
    await using orders = await asNamespace("orders");
    await using sales = await asNamespace("sales");
    orders.subscribe("orders.new", { callback: (_, message) => void message.respond("priced") });
    await orders.flush();
    assert.equal((await sales.request("orders.new")).string(), "priced");
    const send = (publisher: NatsConnection): void => {
      for (const subject of ["orders.new", "cars.sold", "sales.x"]) publisher.publish(subject);
    };
    assert.deepEqual(await heardBy(sales, "orders.new", send), ["refused"]);
    assert.deepEqual(await heardBy(sales, "*.sold", send), ["cars.sold"]);
    await assert.rejects(sales.request("cars.sold", "", { timeout: 1000 }), /Permissions Violation/i);
  });
});

describe("making a user in a running server", () => {
  it("keeps open connections and their subscriptions", async () => {
    await using orders = await asNamespace("orders");
    const seen: string[] = [];
    for (const connection of [orders, node]) {
      void (async () => {
        for await (const status of connection.status()) seen.push(status.type);
      })();
    }
    orders.subscribe("orders.kept", { callback: (_, message) => void message.respond("here") });
    await orders.flush();
    const connectedAs = orders.info?.client_id;
    await Promise.all(["n1", "n2", "n3"].map(async (namespace) => await (await asNamespace(namespace)).close()));
    assert.equal((await node.request("orders.kept")).string(), "here");
    assert.equal(orders.info?.client_id, connectedAs);
    assert.deepEqual(seen, []);
  });

  it("takes the new namespace's inbox away from wildcards that are already listening", async () => {
    await using orders = await asNamespace("default");
    const heard: string[] = [];
    orders.subscribe("*.later", { callback: (_, message) => void heard.push(message.subject) });
    await orders.flush();
    await using _newcomer = await asNamespace("newcomer");
    for (const subject of ["_INBOX_newcomer.later", "plain.later"]) node.publish(subject);
    await node.flush();
    await orders.flush();
    assert.deepEqual(heard, ["plain.later"]);
  });

  it("gives the same user to all who ask for one namespace, and none to a name that cannot be one", async () => {
    const users = await Promise.all([1, 2, 3].map(async () => await server.ensureNamespace("shared")));
    assert.equal(new Set(users.map(({ password }) => password)).size, 1);
    for (const name of ["", "a.b", "*", ">", "a b", "system", "x".repeat(64)]) {
      await assert.rejects(server.ensureNamespace(name), { code: "invalid_name" });
    }
  });
});

describe("subjectScope", () => {
  const all = { publish: [">"], subscribe: [">"] };

  it("is what is stated, also for the namespace that has the rest otherwise", () => {
    for (const namespace of ["default", "audit"])
      assert.deepEqual(subjectScope(namespace, { [namespace]: all }, ["orders"]), { only: all });
  });

  it("leaves the rest only what no list takes in", () => {
    const scope = subjectScope("default", { audit: all }, []);
    assert.throws(() => checkNamespaceSubject("default", "subscribe", "hello", scope), {
      code: "subject_denied",
      message: /since ">" belongs to another namespace.*namespaces\.default\.subjects/,
    });
  });

  it("names what a namespace has when it asks for more", () => {
    const scope = subjectScope("orders", {}, []);
    for (const subject of ["orders", "orders.new", "orders.>", "orders.*"])
      checkNamespaceSubject("orders", "subscribe", subject, scope);
    for (const subject of ["*.new", ">", "*", "order", "ordersx.new"]) {
      assert.throws(() => checkNamespaceSubject("orders", "publish", subject, scope), {
        code: "subject_denied",
        message: /which has orders, orders\.> on this server/,
      });
    }
  });
});

describe("namespaceRights", () => {
  const rights = (namespace: string, namespaces: readonly string[] = []): UserRights =>
    namespaceRights(namespace, { scope: subjectScope(namespace, {}, namespaces), namespaces });

  it("denies all that workloads may not be triggered by", () => {
    for (const { publish, subscribe } of [rights("default"), rights("a")]) {
      for (const denied of DENIED_SUBJECTS) {
        assert.ok(subscribe?.deny?.includes(denied), denied);
        if (denied !== "_INBOX.>") assert.ok(publish?.deny?.includes(denied), denied);
      }
    }
  });

  it("denies the inboxes of the others and never its own", () => {
    const { subscribe } = rights("a", ["a", "a_b", "b"]);
    assert.equal(
      subscribe?.deny?.some((denied) => subjectsOverlap(denied, "_INBOX_a.x")),
      false,
    );
    assert.ok(subscribe?.deny?.includes("_INBOX_a_b.>"));
    assert.ok(subscribe?.deny?.includes("_INBOX_b.>"));
  });
});
