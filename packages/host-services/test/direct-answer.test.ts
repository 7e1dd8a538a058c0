import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startNatsServer, type TestNats } from "@nex/testing";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { replyWithValue } from "../src/kv/direct-answer.ts";

describe("What the server answers to a direct read", () => {
  let server: TestNats;
  let connection: NatsConnection;
  let kv: KV;

  const read = async (key: string): Promise<Msg> => await connection.request(`$JS.API.DIRECT.GET.KV_b.$KV.b.${key}`);

  before(async () => {
    server = await startNatsServer({ jetstream: true });
    connection = await connect({ servers: server.url });
    kv = await new Kvm(connection).create("b", { allow_direct: true });
  });

  after(async () => {
    await connection.close();
    await server[Symbol.asyncDispose]();
  });

  for (const [what, value] of [
    ["all bytes", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ["what looks like headers", Buffer.from("NATS/1.0\r\nNats-Sequence: 99\r\nKV-Operation: DEL\r\n\r\n")],
    ["nothing", Buffer.alloc(0)],
    ["100 KB", Buffer.alloc(100_000, "x")],
  ] as const) {
    it(`is read without nats.js reading its headers where the value is ${what}`, async () => {
      const sequence = await kv.put("value", value);
      const reply = replyWithValue(await read("value"));
      assert.deepEqual(reply?.args, [String(sequence)]);
      assert.ok(Buffer.from(reply?.payload ?? "none").equals(value));
    });
  }

  it("gives the server's own sequence where whoever wrote the value has set one too", async () => {
    const forged = headers();
    forged.append("Nats-Sequence", "99");
    const ack = await connection.request("$KV.b.forged", "v", { headers: forged, timeout: 2000 });
    const { seq } = ack.json<{ seq: number }>();
    assert.deepEqual(replyWithValue(await read("forged"))?.args, [String(seq)]);
  });

  it("is left to nats.js where the value is deleted, purged or not there", async () => {
    await kv.put("deleted", "v");
    await kv.delete("deleted");
    await kv.put("purged", "v");
    await kv.purge("purged");
    for (const key of ["deleted", "purged", "missing"]) assert.equal(replyWithValue(await read(key)), undefined, key);
  });

  it("is left to nats.js where its messages are built differently", async () => {
    await kv.put("value", "v");
    const answer = await read("value");
    const { subject } = answer;
    for (const other of [
      { subject, data: answer.data },
      { subject, data: answer.data, size: () => 0 },
      { subject, data: answer.data, size: () => 1_000_000_000 },
      { subject, data: answer.data.slice(), size: () => subject.length + 40 + answer.data.length },
    ])
      assert.equal(replyWithValue(other as unknown as Msg), undefined);
  });
});
