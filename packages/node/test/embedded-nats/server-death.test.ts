import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { processes, waitFor } from "@nex/testing";
import { deployFunction } from "../control-api/support/deploys.ts";
import { RunningNode } from "../control-api/support/running-node.ts";

describe("when the embedded server dies", () => {
  it("its node and the workloads live on, hear of messages again and can be deployed to", async () => {
    await using running = await RunningNode.start({ embedded: true });
    const source = `
      let calls = 0;
      export default async (event, { kv }) => {
        await kv.put("calls", String(++calls));
        return JSON.stringify([process.pid, (await kv.get("calls")).text()]);
      };`;
    assert.equal((await deployFunction(running, { source })).error, undefined);
    const ask = async (): Promise<[number, string]> =>
      await waitFor(async () => {
        const answer = await running.client.request("fn", "", { timeout: 1000 }).catch(() => undefined);
        return answer?.headers?.hasError === true ? undefined : answer?.json<[number, string]>();
      });
    const [pid] = await ask();
    const server = processes().find(({ parent, command }) => parent === process.pid && /nats-server/.test(command));
    process.kill(server!.pid, "SIGKILL");
    await waitFor(() => running.warnings.some((line) => line.includes("is started again")));
    const [after, calls] = await ask();
    assert.equal(after, pid);
    assert.ok(Number(calls) >= 2, calls);
    const deployed = await waitFor(async () => {
      const reply = await deployFunction(running, { name: "second" }).catch(() => undefined);
      return reply?.error === undefined ? reply : undefined;
    });
    assert.equal(deployed.data.name, "second");
  });
});
