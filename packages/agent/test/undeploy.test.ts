import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callMethod, undeploy } from "@nex/link";
import { processAlive, waitFor } from "@nex/testing";
import { NodeDouble } from "./support/node-double.ts";

const ECHO = "export default (event) => event.bytes();";

/** Takes the signal the runner ends on, and stays. */
const STUBBORN = `
  process.removeAllListeners("SIGTERM");
  process.on("SIGTERM", () => console.log("asked to end"));
  setInterval(() => {}, 1000);
  export default () => "still here";`;

describe("An undeploy", () => {
  it("ends the function by SIGTERM, then the agent, and tells that no kill was needed", async () => {
    await using node = await NodeDouble.run(ECHO);
    const [runner] = node.runnerPids;
    assert.deepEqual(await callMethod(await node.agent, undeploy, { grace_ms: 10_000 }), { killed: false });
    assert.equal(processAlive(runner!), false);
    assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
  });

  it("lets a function that does not end have its grace, then kills it and says so", async () => {
    await using node = await NodeDouble.run(STUBBORN);
    const [runner] = node.runnerPids;
    const undeployed = callMethod(await node.agent, undeploy, { grace_ms: 400 });
    await node.log(/asked to end/);
    assert.equal((await node.trigger()).text, "still here", "within its grace it goes on working");
    assert.deepEqual(await undeployed, { killed: true });
    assert.equal(processAlive(runner!), false);
    assert.equal((await node.ended).exitCode, 0);
  });

  it("without grace kills at once", async () => {
    await using node = await NodeDouble.run(STUBBORN);
    assert.deepEqual(await callMethod(await node.agent, undeploy, { grace_ms: 0 }), { killed: true });
  });

  it("kills a function in an endless loop", async () => {
    await using node = await NodeDouble.run("export default () => { for (;;); };");
    const reply = node.trigger();
    reply.catch(() => undefined);
    await (await node.agent).ping();
    assert.deepEqual(await callMethod(await node.agent, undeploy, { grace_ms: 50 }), { killed: true });
    await assert.rejects(reply, { code: "link_closed" });
  });

  it("while the function is still loading ends the runner that loads it", async () => {
    await using node = await NodeDouble.start();
    const deployed = node.deploy(
      "console.log('loading'); await new Promise(() => setInterval(() => {}, 1000)); export default () => 1;",
    );
    deployed.catch(() => undefined);
    await node.log(/loading/);
    const [runner] = node.runnerPids;
    await callMethod(await node.agent, undeploy, { grace_ms: 0 });
    assert.equal(processAlive(runner!), false);
    await assert.rejects(deployed, { code: /sandbox_failed|link_closed/ });
    assert.equal((await node.ended).exitCode, 0);
  });
});

describe("SIGTERM to the agent", () => {
  it("ends workload and agent in order", async () => {
    await using node = await NodeDouble.run(ECHO);
    const [runner] = node.runnerPids;
    process.kill(node.agentPid, "SIGTERM");
    assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
    await waitFor(() => !processAlive(runner!));
  });

  it("before its hello was answered ends it too", async () => {
    await using node = await NodeDouble.begin({ onHello: () => process.kill(node.agentPid, "SIGTERM") });
    const { signal } = await node.ended;
    assert.equal(signal, null, "it ends by itself");
  });
});
