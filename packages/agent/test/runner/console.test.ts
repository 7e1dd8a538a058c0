import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@nex/testing";
import { NodeDouble } from "../support/node-double.ts";

const SOURCE = `
console.log("at load");
const acts = {
  levels: (ctx) => {
    for (const method of ["debug", "trace", "log", "info", "warn", "error", "dir"]) console[method](method);
    for (const level of ["debug", "info", "warn", "error"]) ctx.log[level]("ctx", level, { a: 1 });
    console.log("%s is %d", "six", 6);
  },
  mixed: async (ctx, word) => { console.log("before " + word); await new Promise((done) => setTimeout(done, 20)); console.log("after " + word); return ctx.invocationId; },
  flood: () => { for (let i = 0; i < 20_000; i++) console.log("line " + i + " " + "x".repeat(100)); return "done"; },
  stdout: () => { process.stdout.write("one\\ntwo\\r\\n\\nthree"); process.stdout.write(" and more\\n"); process.stderr.write("to stderr\\n"); },
  junk: () => process.stdout.write(Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x28, 0x62, 0x0a])) && "",
  long: () => { process.stdout.write("y".repeat(100_000) + "\\n"); console.log("z".repeat(100_000)); },
  endless: () => { for (let i = 0; i < 100; i++) process.stdout.write("w".repeat(100_000)); },
  controls: () => console.log("\\u0000".repeat(16_000)),
};
export default (event, ctx) => acts[event.subject.split(".")[1]](ctx, event.text());
`;

describe("What a function writes", () => {
  it("to the console and ctx.log has its level and its invocation", async () => {
    await using node = await NodeDouble.run(SOURCE);
    assert.equal((await node.log(/^at load$/)).invocation, undefined);
    await node.trigger("", { subject: "test.levels" });
    await node.log(/^six is 6$/);
    const written = node.logs
      .filter(({ invocation }) => invocation !== undefined)
      .map(({ level, text }) => `${level} ${text.split("\n")[0]}`);
    assert.deepEqual(written, [
      "debug debug",
      "debug trace",
      "info log",
      "info info",
      "warn warn",
      "error error",
      "info dir",
      "debug ctx debug { a: 1 }",
      "info ctx info { a: 1 }",
      "warn ctx warn { a: 1 }",
      "error ctx error { a: 1 }",
      "info six is 6",
    ]);
    assert.ok(node.logs.every(({ stream }) => stream === "console"));
  });

  it("in invocations that run at once belongs to each of them", async () => {
    await using node = await NodeDouble.run(SOURCE);
    const ids = await Promise.all(
      ["a", "b", "c"].map(async (word) => (await node.trigger(word, { subject: "test.mixed" })).text),
    );
    await node.log(/^after c$/);
    for (const [index, word] of ["a", "b", "c"].entries()) {
      const found = node.logs.filter(({ text }) => text.endsWith(` ${word}`)).map(({ invocation }) => invocation);
      assert.deepEqual(found, [ids[index], ids[index]]);
    }
  });

  it("in a flood is dropped and counted, each line once", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await node.trigger("", { subject: "test.flood" });
    await waitFor(() => node.logs.length + node.dropped >= 20_001, { message: "all lines, kept or counted" });
    assert.equal(node.logs.length + node.dropped, 20_001);
    assert.ok(node.dropped > 0);
    assert.ok(node.logs.length > 100);
  });

  it("to standard output and error becomes lines, an empty one among them", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await node.trigger("", { subject: "test.stdout" });
    await node.log(/three and more/);
    await node.log(/to stderr/);
    const lines = (stream: string): string[] =>
      node.logs.filter((record) => record.stream === stream).map(({ level, text }) => `${level}: ${text}`);
    assert.deepEqual(lines("stdout"), ["info: one", "info: two", "info: ", "info: three and more"]);
    assert.deepEqual(lines("stderr"), ["error: to stderr"]);
  });

  it("that is not UTF-8 arrives with replacement characters", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await node.trigger("", { subject: "test.junk" });
    assert.equal((await node.log(/^a.*b$/)).text, "a\ufffd\ufffd\ufffd(b");
  });

  it("in a very long line is split, or cut with a note", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await node.trigger("", { subject: "test.long" });
    await node.log(/z… \(83616 more characters\)$/);
    await waitFor(
      () =>
        node.logs
          .filter(({ stream }) => stream === "stdout")
          .map(({ text }) => text)
          .join("").length === 100_000,
    );
    assert.ok(node.logs.every(({ text }) => text.length < 17_000));
  });

  it("in a line that never ends keeps the agent's memory bounded and the function answering", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await node.trigger("", { subject: "test.endless" });
    await node.log(/^w{8192}$/);
    assert.ok((await (await node.agent).ping()) >= 0);
    assert.equal((await node.trigger("x", { subject: "test.mixed" })).text.startsWith("inv1-"), true);
  });

  it("in characters that take six bytes of JSON each fits the link's frames", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await Promise.all(Array.from({ length: 20 }, async () => await node.trigger("", { subject: "test.controls" })));
    await waitFor(() => node.logs.length + node.dropped > 20);
    assert.equal(node.runner.isClosed, false);
  });
});
