import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { createEvent } from "@nex/protocol";
import { startNatsServer } from "@nex/testing";
import { Feeds } from "../../src/feeds/feeds.ts";

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
