import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { processAlive, waitFor } from "@nex/testing";
import { NodeDouble } from "./support/node-double.ts";

const ECHO = "export default (event) => event.bytes();";
const LOOP = "export default () => { for (;;); };";
const canTieLives = existsSync("/usr/bin/setpriv") || existsSync("/bin/setpriv");

async function killAgent(node: NodeDouble): Promise<void> {
  const pids = node.runnerPids;
  assert.equal(pids.length, 1);
  process.kill(node.agentPid, "SIGKILL");
  assert.deepEqual(await node.ended, { exitCode: null, signal: "SIGKILL" });
  await waitFor(() => !pids.some(processAlive), { message: "the runner to follow its agent" });
}

describe("kill -9 of the agent leaves no runner", { skip: canTieLives ? false : "setpriv is not installed" }, () => {
  it("that is idle", async () => {
    await using node = await NodeDouble.run(ECHO);
    await killAgent(node);
  });

  it("in an endless loop", async () => {
    await using node = await NodeDouble.run(LOOP);
    node.trigger().catch(() => undefined);
    await (await node.agent).ping();
    await killAgent(node);
  });

  it("that waits for its first deploy", async () => {
    await using node = await NodeDouble.start();
    await killAgent(node);
  });
});

describe("When the node's link closes", () => {
  it("agent and runner end", async () => {
    await using node = await NodeDouble.run(ECHO);
    const pids = node.runnerPids;
    node.closeLinks();
    assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
    await waitFor(() => !pids.some(processAlive));
  });

  it("a runner in an endless loop ends too", async () => {
    await using node = await NodeDouble.run(LOOP);
    node.trigger().catch(() => undefined);
    await (await node.agent).ping();
    const pids = node.runnerPids;
    (await node.agent).close();
    assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
    await waitFor(() => !pids.some(processAlive));
  });

  it("a runner whose agent has been stopped by SIGSTOP ends by itself", async () => {
    await using node = await NodeDouble.run(ECHO);
    const pids = node.runnerPids;
    process.kill(node.agentPid, "SIGSTOP");
    node.runner.close();
    await waitFor(() => !pids.some(processAlive));
    process.kill(node.agentPid, "SIGCONT");
  });
});
