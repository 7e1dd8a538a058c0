import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ABANDONED_CODE, callMethod, replaceRunner } from "@nex/link";
import { processAlive, waitFor } from "@nex/testing";
import { NodeDouble } from "./support/node-double.ts";

const PID =
  "export default async (event) => { if (event.text() === 'wait') await new Promise((done) => setTimeout(done, 300)); return String(process.pid); };";

describe("A runner that is replaced", () => {
  it("by force is killed first, even in an endless loop, and a fresh one serves with its own links and tokens", async () => {
    await using node = await NodeDouble.run(
      "export default (event) => { if (event.text() === 'loop') for (;;); return String(process.pid); };",
    );
    const before = (await node.trigger()).text;
    const stuck = node.trigger("loop");
    stuck.catch(() => undefined);
    await callMethod(await node.agent, replaceRunner, { graceful: false });
    await assert.rejects(stuck, { code: "link_closed" });
    const after = (await node.trigger()).text;
    assert.notEqual(after, before);
    assert.equal(processAlive(Number(before)), false);
    assert.deepEqual(node.hellos.map(({ token }) => token).toSorted(), [
      "agent-token",
      "runner-token-1",
      "runner-token-2",
      "services-token-1",
      "services-token-2",
    ]);
    assert.equal(node.events.length, 0, "a replacement the node asked for is no event");
  });

  it("gracefully finishes what it has, and ends when the node closes its link", async () => {
    await using node = await NodeDouble.run(PID);
    const old = node.runner;
    const before = (await node.trigger()).text;
    const slow = node.trigger("wait");
    await callMethod(await node.agent, replaceRunner, { graceful: true });
    const after = (await node.trigger()).text;
    assert.notEqual(after, before);
    assert.equal((await slow).text, before, "the old one's work was not lost");
    assert.ok(processAlive(Number(before)));
    old.close();
    await waitFor(() => !processAlive(Number(before)));
    assert.equal((await node.trigger()).text, after);
    assert.equal(node.events.length, 0);
  });

  it("keeps the deploy's environment", async () => {
    await using node = await NodeDouble.run("export default (event, ctx) => ctx.env.WHO + process.env.WHO;", {
      env: { WHO: "me" },
    });
    await callMethod(await node.agent, replaceRunner, { graceful: false });
    assert.equal((await node.trigger()).text, "meme");
  });

  it("after it died is replaced all the same", async () => {
    await using node = await NodeDouble.run(PID);
    process.kill(Number((await node.trigger()).text), "SIGKILL");
    const event = await node.event("runner_ended");
    assert.deepEqual([event.exit_code, event.signal], [null, "SIGKILL"]);
    await callMethod(await node.agent, replaceRunner, { graceful: false });
    assert.match((await node.trigger()).text, /^\d+$/);
  });

  it("by one whose code fails this time is reported as a failure", async () => {
    await using node = await NodeDouble.run(
      "if (Date.now() > Number(process.env.UNTIL)) throw new Error('too late'); export default () => 1;",
      {
        env: { UNTIL: String(Date.now() + 1500) },
      },
    );
    const until = Date.now() + 1500;
    await waitFor(() => Date.now() > until);
    await assert.rejects(callMethod(await node.agent, replaceRunner, { graceful: false }), {
      code: "invalid_artifact",
      message: /too late/,
    });
  });
});

describe("A runner", () => {
  it("counts the invocations it was told to give up and that have not settled", async () => {
    await using node = await NodeDouble.run(
      "export default (event) => new Promise((done) => { if (event.text() === 'later') setTimeout(done, 200); });",
    );
    const counts: number[] = [];
    node.runner.handleNotify(ABANDONED_CODE, (body) => void counts.push(body.readUInt32LE(0)));
    await Promise.all(
      ["", "later", "later"].map(
        async (payload) =>
          await assert.rejects(node.trigger(payload, { deadlineMs: 20 }), { code: "deadline_exceeded" }),
      ),
    );
    await waitFor(() => counts.length === 3);
    assert.deepEqual(counts, [1, 2, 3]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await assert.rejects(node.trigger("", { deadlineMs: 20 }), { code: "deadline_exceeded" });
    await waitFor(() => counts.length === 4);
    assert.equal(counts[3], 2, "those that settled late count no more");
  });

  it("whose function merely waits acknowledges the end of a deadline; one that blocks does not", async () => {
    let unresponsive = 0;
    await using node = await NodeDouble.run(
      "export default (event) => { if (event.text() === 'loop') for (;;); return new Promise(() => {}); };",
      {},
      { unresponsiveMs: 1000, onUnresponsive: () => unresponsive++ },
    );
    await assert.rejects(node.trigger("", { deadlineMs: 20 }), { code: "deadline_exceeded" });
    await waitFor(() => node.runner.openCalls === 0);
    assert.equal(unresponsive, 0);
    await assert.rejects(node.trigger("loop", { deadlineMs: 20 }), { code: "deadline_exceeded" });
    await waitFor(() => unresponsive === 1);
  });
});
