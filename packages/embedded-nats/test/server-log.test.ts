import assert from "node:assert/strict";
import { appendFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { type NatsLogLine, parseLogLine, ServerLog } from "../src/server-log.ts";

const INFO = "[71] 2026/01/02 03:04:05.000001 [INF] ";

describe("the embedded server's log", () => {
  it("is told apart by level, without nats-server's own time and process id", () => {
    assert.deepEqual(parseLogLine(`${INFO}Server is ready`), { level: "info", text: "Server is ready" });
    assert.equal(parseLogLine("[71] 2026/01/02 03:04:05.000001 [ERR] x").level, "error");
    assert.equal(parseLogLine("[71] 2026/01/02 03:04:05.000001 [WRN] x").level, "warn");
    assert.equal(parseLogLine("[71] 2026/01/02 03:04:05.000001 [TRC] x").level, "debug");
    const early = "nats-server: a.conf:1:1: unknown field";
    assert.deepEqual(parseLogLine(early), { level: "error", text: early });
  });

  it("is read in whole lines and whole characters, and is emptied when it grows too long", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "log");
    const lines: NatsLogLine[] = [];
    const log = await ServerLog.create(path, (line) => lines.push(line));
    await appendFile(path, `${INFO}first\n${INFO}sec`);
    await log.read();
    assert.deepEqual(
      lines.map(({ text }) => text),
      ["first"],
    );
    await appendFile(path, "ond\n");
    // An odd length, so that the two bytes of an ü are torn apart at the end of some chunk.
    const long = "ü".repeat(600);
    for (let block = 0; block < 40; block++) await appendFile(path, `${INFO}${long}\n`.repeat(100));
    await log.read();
    assert.equal(lines.length, 4_002);
    assert.ok(lines.slice(2).every(({ text }) => text === long));
    assert.equal((await stat(path)).size, 0);
    await appendFile(path, `${INFO}after\n`);
    await log.close();
    assert.equal(lines.at(-1)?.text, "after");
    assert.equal(log.tail().at(-1)?.text, "after");
  });
});
