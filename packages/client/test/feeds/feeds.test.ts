import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@nex/testing";
import { encodeLogRecord, type LogRecord, logSubject } from "@nex/protocol";
import { openOn } from "../support/open-handles.ts";
import { source, TestSystem } from "../support/system.ts";

const RECORD: LogRecord = {
  time: "2026-01-01T00:00:00.000Z",
  level: "info",
  stream: "stdout",
  text: "hello",
  workload: "w",
  namespace: "default",
  id: "i1",
};

function subjectOf({ namespace, id, workload }: LogRecord): string {
  return logSubject({ namespace, node: "N1", id, workload });
}

describe("logs", () => {
  it("can be read back and followed, of one workload or of all", async () => {
    await using system = await TestSystem.start();
    await system.node();
    const nex = await system.client();
    await using all = nex.logs.follow();
    await using one = nex.logs.follow({ workload: "loud" });
    const artifact = source("(event) => console.log(event.text())");
    for (const name of ["loud", "other"]) {
      await nex.workloads.deploy({ name, kind: "javascript", artifact, triggers: [name] });
      for (const text of ["first", "second"]) await nex.workloads.trigger(name, { data: `${name} ${text}` });
    }
    const texts: string[] = [];
    for await (const { text, stream } of one) {
      if (stream === "console") texts.push(text);
      if (texts.length === 2) break;
    }
    assert.deepEqual(texts, ["loud first", "loud second"]);
    for await (const { text } of all) if (text === "other second") break;

    const recent = (await nex.logs.recent()).map(({ text }) => text).filter((text) => /first|second/.test(text));
    assert.deepEqual(recent, ["loud first", "loud second", "other first", "other second"]);
    const [last, ...more] = await nex.logs.recent({ workload: "loud", limit: 1 });
    assert.deepEqual([last?.text, more], ["loud second", []]);
  });

  it("pass over what is no record", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    await using feed = nex.logs.follow();
    const next = feed.next();
    const node = await system.connection();
    await nex.nodes.list();
    for (const body of ["", "{", "null", '{"text":1}', "x".repeat(5000)]) node.publish(subjectOf(RECORD), body);
    node.publish(subjectOf(RECORD), encodeLogRecord(RECORD));
    assert.deepEqual((await next).value, RECORD);
  });

  it("end with their signal, at once if it was aborted before", async () => {
    await using system = await TestSystem.start();
    const connection = await system.connection();
    const nex = await system.client({ connection });
    const abort = new AbortController();
    const feed = nex.logs.follow({ signal: abort.signal });
    const waiting = feed.next();
    abort.abort();
    assert.equal((await waiting).done, true);
    assert.equal((await feed.next()).done, true);
    assert.equal((await nex.logs.follow({ signal: abort.signal }).next()).done, true);
    await waitFor(() => openOn(connection).subscriptions === 0);
  });

  it("drop the oldest for a reader who is too slow, and tell how many", async () => {
    await using system = await TestSystem.start();
    const connection = await system.connection();
    const nex = await system.client({ connection });
    let dropped = 0;
    await using feed = nex.logs.follow({ onDropped: (count) => (dropped += count) });
    for (let number = 0; number < 10_050; number++) {
      connection.publish(subjectOf(RECORD), encodeLogRecord({ ...RECORD, text: String(number) }));
    }
    await connection.flush();
    await connection.flush();
    const { value } = await feed.next();
    assert.equal(value?.text, "50");
    assert.equal(dropped, 50);
  });
});

describe("events", () => {
  it("can be read back and followed, with those of the nodes or without", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    await using all = nex.events.follow();
    await using own = nex.events.follow({ system: false });
    await using some = nex.events.follow({ types: ["workload_stopped"] });
    await nex.nodes.list();
    const { id } = await system.node();
    const artifact = source("() => 1");
    await nex.workloads.deploy({ name: "w", kind: "javascript", artifact, triggers: ["w"] });
    await nex.workloads.stop("w");
    const first = (await all.next()).value;
    assert.deepEqual([first?.type, first?.namespace, first?.source], ["node_started", "system", id]);
    assert.equal((await own.next()).value?.namespace, "default");
    assert.equal((await some.next()).value?.type, "workload_stopped");

    const types = (await nex.events.recent()).map(({ type }) => type);
    for (const type of ["node_started", "workload_started", "workload_stopped"]) assert.ok(types.includes(type), type);
    const recent = await nex.events.recent({ types: ["workload_started", "workload_stopped"], limit: 1 });
    assert.deepEqual(
      recent.map(({ type }) => type),
      ["workload_stopped"],
    );
  });
});
