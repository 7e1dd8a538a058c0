import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { isNexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

const TELL = "export default (event) => ({ subject: event.subject, captures: event.captures });";

test("several triggers, with wildcards and what they stood for", async () => {
  await using system = await TestSystem.start();
  await system.deploy(TELL, { triggers: ["plain", "orders.*.new", "files.*.>"] });
  assert.deepEqual((await system.request("plain")).json(), { subject: "plain", captures: [] });
  assert.deepEqual((await system.request("orders.de.new")).json(), { subject: "orders.de.new", captures: ["de"] });
  assert.deepEqual((await system.request("files.a.b.c")).json(), { subject: "files.a.b.c", captures: ["a", "b.c"] });
  for (const subject of ["orders.new", "orders.de.old", "files.a", "other"]) {
    await assert.rejects(system.client.request(subject, "", { timeout: 5000 }), /no responders/i);
  }
});

test("a message that several triggers take in is run once, for the first of them", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`let runs = 0; export default (event) => ({ captures: event.captures, runs: ++runs });`, {
    triggers: ["orders.*", "orders.>", "*.de", "orders.de"],
  });
  // The server chooses one of the subscriptions anew for each message: with 100 every one of them has its turn.
  for (let run = 1; run <= 100; run++) {
    assert.deepEqual((await system.request("orders.de")).json(), { captures: ["de"], runs: run });
  }
  assert.deepEqual((await system.request("orders.de.new")).json(), { captures: ["de.new"], runs: 101 });
  assert.deepEqual((await system.request("shops.de")).json(), { captures: ["shops"], runs: 102 });
});

test("a leading wildcard takes in no subjects that begin with $ or _", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default (event) => { console.log("ran", event.subject); return "ok"; };`, {
    triggers: ["*.*", "*.*.>"],
  });
  for (const subject of ["$X.a", "_INBOX.a", "$X.a.b", "_R_.a.b"])
    system.client.publish(subject, "", { reply: "answers" });
  assert.equal((await system.request("a.b")).string(), "ok");
  await system.told.log("ran a.b");
  assert.deepEqual(
    system.told.logs.filter(({ text }) => /ran [$_]/.test(text)),
    [],
  );
});

test("a reply subject of the server's own is not written to, and the log says so", async () => {
  await using system = await TestSystem.start({ jetstream: true });
  const bucket = await new Kvm(jetstream(system.client)).create("accounts");
  await bucket.put("ada", "1");
  await system.deploy(`export default () => { console.log("ran"); return "stolen"; };`);
  for (const reply of ["$KV.accounts.ada", "$KV.accounts.eve", "$JS.API.STREAM.DELETE.KV_accounts", "$SYS.x"]) {
    system.client.publish("fn", "", { reply });
  }
  assert.equal((await system.request("fn")).string(), "stolen");
  for (const part of ["$KV.accounts.ada", "$KV.accounts.eve", "$JS.API.STREAM.DELETE", "$SYS.x"])
    await system.told.log(part);
  // What the refused ones had logged would have come before this.
  await system.told.log("ran");
  assert.equal((await bucket.get("ada"))?.string(), "1");
  assert.equal(await bucket.get("eve"), null);
  await system.told.log("ran");
  assert.equal(system.told.logs.filter(({ text }) => text === "ran").length, 1);
});

test("a message with malformed headers is answered with an error and the function goes on", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default () => "ok";`);
  const answers = system.client.subscribe("answers");
  await system.client.flush();
  const socket = connect(system.nats.port, "127.0.0.1");
  try {
    await once(socket, "data");
    socket.resume();
    socket.write('CONNECT {"headers":true,"verbose":false}\r\n');
    const malformed = ["A: b\rc", "A: b\nc", "A b: c", "\xff: x"];
    for (const line of malformed) {
      const block = Buffer.from(`NATS/1.0\r\n${line}\r\n\r\n`, "latin1");
      socket.write(
        Buffer.concat([Buffer.from(`HPUB fn answers ${block.length} ${block.length}\r\n`), block, Buffer.from("\r\n")]),
      );
    }
    let count = 0;
    for await (const answer of answers) {
      assert.equal(outcome(answer), "invalid_request");
      if (++count === malformed.length) break;
    }
  } finally {
    socket.destroy();
  }
  assert.equal((await system.request("fn")).string(), "ok");
});

test("a deploy whose trigger the NATS server refuses fails and says which", async () => {
  const config = `authorization { users: [{ user: app, password: app, permissions: { subscribe: { deny: ["secret.>"] } } }] }`;
  await using system = await TestSystem.start({ accounts: `${config}\nno_auth_user: app` });
  await assert.rejects(system.deploy(TELL, { triggers: ["open", "secret.*"] }), (error) => {
    return isNexError(error) && error.code === "not_allowed" && error.message.includes("secret.*");
  });
  await system.deploy(TELL, { triggers: ["open"] });
  assert.deepEqual((await system.request("open")).json(), { subject: "open", captures: [] });
  await waitFor(() => system.told.events.length > 0);
});
