import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { NodeDouble } from "../support/node-double.ts";
import { buildProbe } from "./support/modules.ts";

const MAX_PAYLOAD = 256 * 1024;

describe("A WASI command in C", () => {
  let node: NodeDouble;
  before(async () => {
    const env = { GREETING: "grüß dich", EMPTY: "" };
    node = await NodeDouble.run(
      await buildProbe(),
      { kind: "wasm", env, memory_bytes: 16 * 1024 * 1024 },
      { maxPayload: MAX_PAYLOAD },
    );
  });
  after(async () => await node[Symbol.asyncDispose]());

  const run = async (what: string, payload: string | Buffer = ""): Promise<string> =>
    (await node.trigger(payload, { subject: `test.${what}` })).text;
  const fails = async (what: string): Promise<NexError> => {
    try {
      await run(what);
    } catch (error) {
      return error as NexError;
    }
    throw new Error(`${what} did not fail.`);
  };

  it("answers with the bytes it was sent, whichever they are", async () => {
    const payload = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));
    assert.deepEqual((await node.trigger(payload, { subject: "test.echo" })).payload, payload);
    assert.equal(await run("echo"), "");
  });

  it("is told the subject as its argument", async () => assert.equal(await run("args"), "nexfunction|test.args|"));

  it("has the environment of the deploy and no other", async () =>
    assert.equal(await run("env"), "GREETING=grüß dich|EMPTY=|"));

  it("begins afresh for each message", async () => {
    for (let count = 0; count < 3; count++) assert.equal(await run("fresh"), "1");
  });

  it("finds its memory as big as it was built with and empty, whatever became of the one before", async () => {
    const fresh = await run("stain");
    assert.match(fresh, /^0 of \d+$/);
    const size = Number(fresh.split(" ")[2]);
    await fails("trap");
    assert.equal(await run("stain-more"), `0 of ${size + 65_536}`);
    for (const what of ["stain", "stain", "stain-more", "stain"]) {
      // At once too, before there was time to clean up.
      const [first, second] = await Promise.all([run(what), run("stain")]);
      assert.equal(first, `0 of ${what === "stain" ? size : size + 65_536}`);
      assert.equal(second, fresh);
    }
  });

  it("answers with all it wrote, however small the pieces", async () =>
    assert.equal(await run("pieces"), "0123456789".repeat(100)));

  it("logs each line of stderr under its invocation", async () => {
    assert.equal(await run("stderr"), "done\n");
    const last = await node.log(/^unfinished$/);
    assert.match(last.invocation ?? "", /^inv1-\d+$/);
    const records = node.logs.filter(({ invocation }) => invocation === last.invocation);
    assert.deepEqual(
      records.map(({ level, stream, text }) => ({ level, stream, text })),
      ["one", "two \ufffd", "unfinished"].map((text) => ({ level: "info", stream: "stderr", text })),
    );
  });

  it("may end by exit code 0", async () => assert.equal(await run("exit0"), "said"));

  for (const [what, code] of [
    ["exit7", 7],
    ["return3", 3],
  ] as const) {
    it(`fails with exit code ${code} (${what})`, async () => {
      const error = await fails(what);
      assert.equal(error.code, "function_failed");
      assert.equal(error.message, `The function exited with code ${code}.`);
      await node.log(new RegExp(`exited with code ${code}`));
    });
  }

  it("fails with the trap, and logs the functions it happened in", async () => {
    const error = await fails("trap");
    assert.equal(error.code, "function_failed");
    assert.equal(error.message, "The function trapped: unreachable.");
    const { level, text } = await node.log(/trapped: unreachable/);
    assert.equal(level, "error");
    const frames = text.split("\n").slice(1);
    assert.match(frames[0] ?? "", /^ {4}at inner_trap \(wasm-function\[\d+\]:0x[0-9a-f]+\)$/);
    assert.match(frames[1] ?? "", /^ {4}at outer_trap /);
    assert.match(frames.at(-1) ?? "", /at _start/);
  });

  it("fails with traps of other kinds", async () => {
    assert.match((await fails("bounds")).message, /trapped: memory access out of bounds/);
    assert.match((await fails("abort")).message, /trapped: unreachable/);
    assert.match((await fails("deep")).message, /trapped: (stack overflow|memory access out of bounds)/);
    assert.equal(await run("echo", "alive"), "alive");
  });

  it("has the real time", async () => {
    const [realtime = 0, monotonic = 0] = (await run("time")).split(" ").map(Number);
    assert.ok(Math.abs(realtime - Date.now() / 1000) < 5, `it is ${realtime}`);
    assert.ok(Number((await run("time")).split(" ")[1]) > monotonic);
  });

  it("has real randomness", async () => {
    const seen = new Set([await run("random"), await run("random"), await run("random")]);
    assert.equal(seen.size, 3);
    for (const bytes of seen) assert.match(bytes, /^[0-9a-f]{32}$/);
  });

  it("sleeps without using the processor", async () => {
    const [slept = 0, used = 1] = (await run("sleep")).split(" ").map(Number);
    assert.ok(slept >= 0.3, `it slept ${slept} s`);
    assert.ok(used < 0.15, `it used ${used} s`);
  });

  it("gets no more memory than the deploy allows", async () => {
    const mebibytes = Number(await run("grow"));
    assert.ok(mebibytes >= 12 && mebibytes < 16, `it got ${mebibytes} MiB`);
    assert.equal(await run("grow"), String(mebibytes));
  });

  it("gives its memory back", async () => {
    for (let count = 0; count < 60; count++) await run("use");
    const status = readFileSync(`/proc/${node.runnerPids[0]}/status`, "utf8");
    const peakKib = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
    // Sixty times twelve, if nothing were given back.
    assert.ok(peakKib < 400 * 1024, `it had up to ${peakKib} KiB`);
  });

  it("is ended when it writes more than a message carries", async () => {
    const error = await fails("flood");
    assert.equal(error.code, "reply_too_large");
    assert.match(error.message, /262144 bytes/);
  });

  it("has no files, and three streams that are no terminals", async () =>
    assert.equal(await run("files"), "-1 1 0 1 1 1"));
});

describe("The deploy of a WASI command", () => {
  it("asks for one invocation at a time", async () => {
    await using node = await NodeDouble.start();
    assert.deepEqual(await node.deploy(await buildProbe(), { kind: "wasm" }), { concurrency: "one" });
  });
});
