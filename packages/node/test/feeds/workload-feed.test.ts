import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import type { LogBatch } from "@nex/link";
import { startNatsServer, waitFor } from "@nex/testing";
import { Feeds } from "../../src/feeds/feeds.ts";
import { WorkloadFeed } from "../../src/feeds/workload-feed.ts";
import { FeedRecorder } from "../support/feed-recorder.ts";

type Record = LogBatch["records"][number];

const record = (text: string, more: Partial<Record> = {}): Record => ({
  at: Date.now(),
  level: "info",
  stream: "stdout",
  text,
  ...more,
});

async function open() {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNatsServer());
  const connection = await connect({ servers: nats.url });
  stack.defer(async () => await connection.close());
  const told = new FeedRecorder(connection);
  const feeds = new Feeds(connection, "NTEST");
  const owned = stack.move();
  return {
    told,
    feeds,
    feed: new WorkloadFeed(feeds, "shop", "orders"),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

test("records are published with all they carry and kept, oldest first", async () => {
  await using parts = await open();
  parts.feed.logs("instance", {
    records: [record("one", { level: "warn", invocation: "i-1" }), record("two")],
    dropped: 0,
  });
  const one = await parts.told.log("one");
  assert.deepEqual(
    { ...one, time: undefined },
    {
      time: undefined,
      level: "warn",
      stream: "stdout",
      text: "one",
      workload: "orders",
      namespace: "shop",
      id: "instance",
      invocation_id: "i-1",
    },
  );
  assert.deepEqual(
    parts.feeds.recentLogs("shop", "orders").map(({ text }) => text),
    ["one", "two"],
  );
  assert.deepEqual(parts.feeds.recentLogs("shop").length, 2);
  assert.deepEqual(parts.feeds.recentLogs("sho"), []);
  assert.deepEqual(parts.feeds.recentLogs("shop", "order"), []);
});

test("what comes too fast or too large is dropped, counted and said", async () => {
  await using parts = await open();
  for (let batch = 0; batch < 10; batch++) {
    parts.feed.logs("instance", { records: Array.from({ length: 1000 }, () => record("flood")), dropped: 0 });
  }
  const note = await parts.told.log("were dropped");
  assert.equal(note.stream, "node");
  await waitFor(() => parts.told.logs.filter(({ text }) => text === "flood").length >= 4000);
  assert.ok(parts.told.logs.filter(({ text }) => text === "flood").length < 6000);
  const other = new WorkloadFeed(parts.feeds, "shop", "large");
  for (let batch = 0; batch < 500; batch++)
    other.logs("instance", { records: [record("x".repeat(500_000))], dropped: 0 });
  const kept = parts.feeds.recentLogs("shop", "large").reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(kept < 8_000_000, `${kept} characters are kept`);
});

test("a clock no calendar knows does not throw", async () => {
  await using parts = await open();
  for (const at of [1e300, -1e300, 8.64e15 + 1])
    parts.feed.logs("instance", { records: [record("when", { at })], dropped: -1 });
  assert.equal(parts.feeds.recentLogs("shop", "orders").length, 3);
});

test("lines of the node about one workload are bounded too, and the gap is said", async () => {
  await using parts = await open();
  for (let index = 0; index < 5000; index++) parts.feed.note("instance", "warn", `note ${index}`);
  assert.ok(parts.feeds.recentLogs("shop", "orders").length < 300);
  await waitFor(() => {
    parts.feed.note("instance", "info", "later");
    return parts.feeds
      .recentLogs("shop", "orders")
      .some(({ text }) => /^\d+ lines of the node .* were dropped/.test(text));
  });
});

test("the feeds of many workloads keep only so many rings", async () => {
  await using parts = await open();
  for (let index = 0; index < 1200; index++)
    new WorkloadFeed(parts.feeds, "many", `w${index}`).note("i", "info", "here");
  assert.equal(parts.feeds.recentLogs("many").length, 200);
  assert.deepEqual(parts.feeds.recentLogs("many", "w0"), []);
  assert.equal(parts.feeds.recentLogs("many", "w1199").length, 1);
});
