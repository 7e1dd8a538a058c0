import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callMethod, replaceRunner, undeploy } from "@nex/link";
import { NodeDouble } from "./support/node-double.ts";

const ECHO = "export default (event) => event.bytes();";
const MIB = 1024 * 1024;

describe("A deploy", () => {
  it("makes the function answer", async () => {
    await using node = await NodeDouble.start();
    assert.deepEqual(await node.deploy(ECHO), { concurrency: "many" });
    assert.equal((await node.trigger("hello")).text, "hello");
  });

  it("is the only one an agent takes: a second is refused while the first runs", async () => {
    await using node = await NodeDouble.run(ECHO);
    await assert.rejects(node.deploy(ECHO), { code: "already_deployed", data: { state: "running" } });
    assert.equal((await node.trigger("still here")).text, "still here");
  });

  it("is the only one even if two come at once", async () => {
    await using node = await NodeDouble.start();
    const outcomes = await Promise.allSettled([node.deploy(ECHO), node.deploy(ECHO)]);
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const { reason } = outcomes.find((outcome) => outcome.status === "rejected")!;
    assert.equal(reason.code, "already_deployed");
    assert.equal((await node.trigger("one")).text, "one");
  });

  it("of the wrong form is refused and leaves the agent idle", async () => {
    await using node = await NodeDouble.start();
    await assert.rejects(node.deploy(ECHO, { revision: "1" as unknown as number }), {
      code: "link_protocol",
      message: /revision/,
    });
    await node.deploy(ECHO);
  });

  it("carries sources of 16 MiB", async () => {
    await using node = await NodeDouble.start();
    const filler = `/* ${"x".repeat(16 * MIB - ECHO.length - 6)} */`;
    const source = filler + ECHO;
    assert.equal(source.length, 16 * MIB);
    await node.deploy(source);
    assert.equal((await node.trigger("big")).text, "big");
  });
});

describe("An artifact", () => {
  const WRONG: readonly {
    readonly title: string;
    readonly order: { sha256?: string; size?: number };
    readonly source?: Buffer;
  }[] = [
    { title: "with another hash than was signed", order: { sha256: "0".repeat(64) } },
    { title: "that is too short", order: { size: ECHO.length + 1 } },
    { title: "that is too long", order: { size: ECHO.length - 1 } },
    // Larger than what the stream carries without the agent's reading on.
    { title: "that is far too long", order: { size: 10 }, source: Buffer.alloc(4 * MIB, " ") },
  ];
  for (const { title, order, source } of WRONG) {
    it(`${title} is refused as corrupt, and the agent ends`, async () => {
      await using node = await NodeDouble.start();
      await assert.rejects(node.deploy(source ?? ECHO, order), { code: "artifact_corrupt" });
      assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
    });
  }
});

describe("A failed deploy", () => {
  it("ends the agent, so that no used sandbox is used again", async () => {
    await using node = await NodeDouble.start();
    await assert.rejects(node.deploy("export default 1;"), { code: "invalid_artifact" });
    assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
    assert.equal((await (await node.agent).closed).message, "The agent has ended.");
  });
});

describe("An idle agent", () => {
  it("refuses to replace a runner that runs nothing", async () => {
    await using node = await NodeDouble.start();
    await assert.rejects(callMethod(await node.agent, replaceRunner, { graceful: false }), {
      code: "invalid_request",
      message: /idle/,
    });
  });

  it("ends when it is told to undeploy", async () => {
    await using node = await NodeDouble.start();
    assert.deepEqual(await callMethod(await node.agent, undeploy, { grace_ms: 0 }), { killed: false });
    assert.deepEqual(await node.ended, { exitCode: 0, signal: null });
  });
});
