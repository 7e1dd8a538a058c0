import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { startNatsServer, type TestNats } from "@nex/testing";
import { Requests } from "../src/host/requests.ts";

const CONFIG = `
authorization { users: [
  { user: all, password: all }
  { user: some, password: some, permissions: { publish: { allow: ["allowed", "echo"] }, subscribe: { allow: ["_INBOX_some.>"] } } }
  { user: deaf, password: deaf, permissions: { publish: { allow: [">"] }, subscribe: { allow: ["none"] } } }
] }`;

let nats: TestNats;
let connection: NatsConnection;

async function connectAs(user: string): Promise<NatsConnection> {
  return await connect({ servers: nats.url, user, pass: user, inboxPrefix: `_INBOX_${user}`, reconnect: false });
}

before(async () => {
  nats = await startNatsServer({ config: CONFIG });
  connection = await connectAs("all");
  connection.subscribe("echo", {
    callback: (_, message) => void message.respond(message.data, { headers: message.headers ?? headers() }),
  });
  connection.subscribe("silent", { callback: () => undefined });
  await connection.flush();
});

after(async () => {
  await connection.close();
  await nats.stop();
});

describe("Requests over a connection", () => {
  it("get each its own answer, with headers", async () => {
    const requests = Requests.over(connection);
    assert.equal(Requests.over(connection), requests);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const sent = headers();
        sent.set("Number", String(index));
        return await requests.request({
          subject: "echo",
          payload: Buffer.from(`${index}`),
          headers: sent,
          timeoutMs: 5000,
        });
      }),
    );
    for (const [index, answer] of answers.entries())
      assert.deepEqual([answer.string(), answer.headers?.get("Number")], [String(index), String(index)]);
  });

  it("tell nobody there from silence", async () => {
    const requests = Requests.over(connection);
    const began = performance.now();
    await assert.rejects(requests.request({ subject: "nobody", timeoutMs: 5000 }), { name: "NoResponders" });
    // A longer time does not hold back a shorter one.
    const long = requests.request({ subject: "silent", timeoutMs: 400 });
    await assert.rejects(requests.request({ subject: "silent", timeoutMs: 100 }), { name: "TimeoutError" });
    assert.ok(performance.now() - began >= 100);
    await assert.rejects(long, { name: "TimeoutError" });
  });

  it("fail at once where the server refuses the subject or the inbox", async () => {
    const some = await connectAs("some");
    const other = Requests.over(some).request({ subject: "echo", payload: Buffer.from("in between"), timeoutMs: 5000 });
    await assert.rejects(Requests.over(some).request({ subject: "denied", timeoutMs: 5000 }), {
      name: "PermissionViolationError",
    });
    assert.equal((await other).string(), "in between");
    await some.close();
    const deaf = await connectAs("deaf");
    await assert.rejects(Requests.over(deaf).request({ subject: "silent", timeoutMs: 5000 }), {
      name: "PermissionViolationError",
    });
    await deaf.close();
  });

  it("end with the connection", async () => {
    const short = await connectAs("all");
    const waiting = assert.rejects(Requests.over(short).request({ subject: "silent", timeoutMs: 5000 }), {
      name: "ClosedConnectionError",
    });
    await short.close();
    await waiting;
    await assert.rejects(Requests.over(short).request({ subject: "silent", timeoutMs: 5000 }), {
      name: "ClosedConnectionError",
    });
  });
});
