import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { createEvent } from "@nex/protocol";
import { startNatsServer } from "@nex/testing";
import { FeedRecorder } from "../support/feed-recorder.ts";
import { Feeds } from "../../src/feeds/feeds.ts";

test("records are on both orders of name and id for clients of 0.2.7, where there may be some, and once for ours", async () => {
  await using nats = await startNatsServer();
  const connection = await connect({ servers: nats.url });
  const subjects: string[] = [];
  connection.subscribe("$NEX.logs.>", { callback: (_, { subject }) => void subjects.push(subject) });
  const told = new FeedRecorder(connection);
  const record = {
    time: new Date().toISOString(),
    level: "info",
    stream: "stdout",
    text: "hello",
    workload: "fn",
    namespace: "default",
    id: "i1",
  } as const;
  new Feeds(connection, "N1", true).publishLog(record);
  new Feeds(connection, "N2").publishLog(record);
  await connection.flush();
  assert.deepEqual(subjects, [
    "$NEX.logs.default.N1.i1.fn",
    "$NEX.logs.default.N1.fn.i1",
    "$NEX.logs.default.N2.i1.fn",
  ]);
  assert.deepEqual(told.logs, [record, record]);
  await connection.close();
});

test("refusals, whatever they are about, do not push out what happened", async () => {
  await using nats = await startNatsServer();
  const connection = await connect({ servers: nats.url });
  try {
    const feeds = new Feeds(connection, "node");
    feeds.publishEvent(createEvent("workload_deployed", "node", "default", { workload_name: "fn" }));
    for (let n = 0; n < 500; n++) {
      feeds.publishEvent(
        createEvent("deploy_refused", "node", `namespace-${n}`, {
          workload_name: `name-${n}`,
          code: "x",
          message: "x",
        }),
      );
      feeds.publishEvent(
        createEvent("deploy_refused", "node", "default", { workload_name: "fn", code: "x", message: "x" }),
      );
    }
    const types = feeds.recentEvents("default").map(({ type }) => type);
    assert.equal(types[0], "workload_deployed");
    assert.equal(types.filter((type) => type === "deploy_refused").length, 100);
  } finally {
    await connection.close();
  }
});
