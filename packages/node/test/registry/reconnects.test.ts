import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { startNatsServer, type TestNats, waitFor } from "@nex/testing";
import { deployFunction } from "../control-api/support/deploys.ts";
import { RestartingNode } from "../support/restarting-node.ts";

const ROUNDS = 8;

/** Timers that are set in this process, in which the node runs too. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

test("a server that goes and comes back again and again leaves no consumer, no timer and one record each", async () => {
  await using fleet = await RestartingNode.make();
  const running = await fleet.start();
  assert.equal(
    (await deployFunction(running, { source: "export default () => String(process.pid);" })).error,
    undefined,
  );
  const ask = async (): Promise<string> =>
    await waitFor(
      async () => (await running.client.request("fn", "", { timeout: 500 }).catch(() => undefined))?.string(),
      { message: "an answer", timeoutMs: 20_000 },
    );
  const pid = await ask();
  const before = timers();
  const { port } = fleet.nats;
  await fleet.nats.stop();
  await using stack = new AsyncDisposableStack();
  let server: TestNats | undefined;
  for (let round = 1; round <= ROUNDS; round++) {
    await server?.stop();
    server = stack.use(await startNatsServer({ port, jetstream: true }));
    assert.equal(await ask(), pid);
  }
  const manager = await jetstreamManager(running.client);
  const stream = await waitFor(
    async () => {
      const { state } = await manager.streams
        .info("KV_nex_nexus", { subjects_filter: ">" })
        .catch(() => ({ state: undefined }));
      return state?.messages === 4 && state.consumer_count === 0 ? state : undefined;
    },
    { message: "the records, and no consumer", timeoutMs: 20_000 },
  );
  assert.equal(Object.keys(stream.subjects ?? {}).length, 4);
  await waitFor(() => timers() <= before, { message: "no more timers than before", timeoutMs: 20_000 });
});
