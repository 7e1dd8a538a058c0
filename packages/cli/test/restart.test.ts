import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
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
