import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LogBatch } from "@nex/link";
import { waitFor } from "@nex/testing";
import { LogBatcher } from "../../src/logs/log-batcher.ts";

class Outlet {
  congested = false;
  readonly batches: LogBatch[] = [];
  send(batch: LogBatch): void {
    this.batches.push(batch);
  }
}

describe("LogBatcher", () => {
  it("gathers what is written in a moment into one batch, in order", async () => {
    const outlet = new Outlet();
    const batcher = new LogBatcher(outlet);
    for (const text of ["a", "b", "c"]) batcher.add("info", "console", text, "i-1");
    assert.equal(outlet.batches.length, 0);
    const keepAlive = setInterval(() => undefined, 10);
    await waitFor(() => outlet.batches.length === 1);
    clearInterval(keepAlive);
    assert.deepEqual(
      outlet.batches[0]?.records.map(({ text, invocation }) => [text, invocation]),
      [
        ["a", "i-1"],
        ["b", "i-1"],
        ["c", "i-1"],
      ],
    );
  });

  it("drops and counts what is beyond a batch's records or bytes", () => {
    for (const [text, most] of [
      ["x", 256],
      ["x".repeat(16_000), 20],
    ] as const) {
      const outlet = new Outlet();
      const batcher = new LogBatcher(outlet);
      for (let count = 0; count < 1000; count++) batcher.add("info", "stdout", text);
      batcher.flush();
      const [batch] = outlet.batches;
      assert.ok(batch!.records.length <= most && batch!.records.length > 5, String(batch!.records.length));
      assert.equal(batch!.records.length + batch!.dropped, 1000);
    }
  });

  it("keeps what it has while the outlet is congested, counts the rest, and sends both after", async () => {
    const outlet = new Outlet();
    const batcher = new LogBatcher(outlet);
    outlet.congested = true;
    for (let count = 0; count < 500; count++) batcher.add("info", "stdout", "x");
    batcher.flush();
    assert.equal(outlet.batches.length, 0);
    outlet.congested = false;
    batcher.flush();
    assert.deepEqual([outlet.batches[0]?.records.length, outlet.batches[0]?.dropped], [256, 244]);
    batcher.flush();
    assert.equal(outlet.batches.length, 1, "nothing is sent when there is nothing");
  });
});
