import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import type { WorkloadDetail, WorkloadSummary } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { type RunningNode, runningNode } from "./support/running-node.ts";

async function stateOf(node: RunningNode, name: string): Promise<string> {
  return (await node.json<WorkloadDetail>("info", name)).state;
}

async function whenRunning(node: RunningNode, name: string): Promise<void> {
  await waitFor(async () => (await stateOf(node, name)) === "running", { timeoutMs: 30_000 });
}

async function answer(node: RunningNode, subject: string): Promise<string> {
  return (await node.nex("trigger", subject, "--data", "x")).stdout.trim();
}

it("nex ls and nex info say what does not run after a restart, and why", async () => {
  await using node = await runningNode();
  await writeFile(join(node.directory, "say.js"), "export default () => 'said';");
  await node.json("run", "say.js", "--name", "say", "--trigger", "say", "--env", "A=b");
  await node.restart("SIGKILL", async () => await rm(join(node.env["XDG_STATE_HOME"]!, "nex/node/exchange.seed")));
  const list = await node.nex("ls");
  assert.match(list.stdout, /say +javascript +1 +failed/);
  assert.match(list.stderr, /say is failed: .*\[environment_sealed_wrong\]/);
  assert.match((await node.nex("info", "say")).stdout, /State: +failed \(wanted: running\)/);
});

for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
  it(`what runs on a node with a server of its own runs again after ${signal}, and what was stopped does not`, async () => {
    await using node = await runningNode();
    const source = "export default (event, { env }) => env.GREETING + ' ' + event.text();";
    await writeFile(join(node.directory, "greet.js"), source);
    for (const name of ["kept", "gone"])
      await node.json("run", "greet.js", "--name", name, "--trigger", name, "--env", "GREETING=hello");
    assert.equal((await node.nex("stop", "gone")).exit, 0);
    const { node_id } = node.ready;
    await node.restart(signal);
    assert.equal(node.ready.node_id, node_id);
    await whenRunning(node, "kept");
    assert.equal(await answer(node, "kept"), "hello x");
    const listed = await node.json<WorkloadSummary[]>("ls");
    assert.deepEqual(
      listed.map(({ name, revision }) => [name, revision]),
      [["kept", 1]],
    );
  });
}
