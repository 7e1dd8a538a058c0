import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { type PullOrder, pullMessages } from "@nex/host-services/host";
import { startNatsServer, type TestNats } from "@nex/testing";

const STREAM = "letters";

describe("messages pulled from a stream", () => {
  let nats: TestNats;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let order: PullOrder;

  before(async () => {
    nats = await startNatsServer({ jetstream: true });
    connection = await connect({ servers: nats.url });
    manager = await jetstreamManager(connection);
    await manager.streams.add({ name: STREAM, subjects: ["letters.>"] });
    order = { connection, manager, stream: STREAM, filter: "letters.>", batch: 4, timeoutMs: 5000 };
  });
  after(async () => {
    await connection.close();
    await nats.stop();
  });

  const fill = async (): Promise<void> => {
    await manager.streams.purge(STREAM);
    for (const letter of "abcdefghij") await connection.request(`letters.${letter}`, `1${letter}`);
    for (const letter of "abc") await connection.request(`letters.${letter}`, `2${letter}`);
  };
  const texts = async (messages: AsyncIterable<Msg>): Promise<string[]> =>
    await Array.fromAsync(messages, (message) => message.string());
  const consumers = async (): Promise<number> => (await manager.streams.info(STREAM)).state.consumer_count;

  it("are all there are, in order, in batches of any size", async () => {
    await fill();
    const all = Array.from("abcdefghij", (letter) => `1${letter}`).concat("2a", "2b", "2c");
    for (const batch of [1, 4, 13, 500]) assert.deepEqual(await texts(pullMessages({ ...order, batch })), all);
    assert.deepEqual(await texts(pullMessages({ ...order, filter: "letters.b" })), ["1b", "2b"]);
    assert.deepEqual(await texts(pullMessages({ ...order, filter: "letters.z" })), []);
    assert.equal(await consumers(), 0);
  });

  it("are the last of each subject, and without payload, where that is asked for", async () => {
    await fill();
    const last = await texts(pullMessages({ ...order, lastOfSubject: true }));
    assert.deepEqual(last, ["1d", "1e", "1f", "1g", "1h", "1i", "1j", "2a", "2b", "2c"]);
    const bare = await Array.fromAsync(pullMessages({ ...order, lastOfSubject: true, headersOnly: true }));
    assert.deepEqual(
      bare.map(({ subject, data }) => [subject, data.length]),
      last.map((text) => [`letters.${text[1]}`, 0]),
    );
  });

  it("end early when the rest is removed meanwhile", async () => {
    await fill();
    const seen: string[] = [];
    for await (const message of pullMessages(order)) {
      seen.push(message.string());
      if (seen.length === 1) await manager.streams.purge(STREAM);
    }
    assert.ok(seen.length >= 1 && seen.length <= order.batch, String(seen));
    assert.equal(await consumers(), 0);
  });

  it("leave no consumer when nobody wants the rest, or it is withdrawn", async () => {
    await fill();
    for await (const message of pullMessages(order)) if (message.string() === "1b") break;
    const stop = new AbortController();
    await assert.rejects(async () => {
      for await (const _ of pullMessages({ ...order, signal: stop.signal })) stop.abort(new Error("enough"));
    }, /enough/);
    assert.equal(await consumers(), 0);
  });

  it("are given up on when nothing comes", async () => {
    await fill();
    const messages = pullMessages({ ...order, timeoutMs: 200 });
    await messages.next();
    process.kill(nats.pid, "SIGSTOP");
    try {
      await assert.rejects(async () => {
        // The deletion of the consumer waits for the server too.
        setTimeout(() => process.kill(nats.pid, "SIGCONT"), 1000);
        for await (const _ of messages);
      }, errors.TimeoutError);
    } finally {
      process.kill(nats.pid, "SIGCONT");
    }
    assert.equal(await consumers(), 0);
  });
});
