import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { buildAssemblyScript, buildC } from "@nex/testing";
import { NodeDouble } from "../support/node-double.ts";

const EXAMPLES = join(import.meta.dirname, "../../../../examples");

describe("The examples of WebAssembly functions", () => {
  it("AssemblyScript: counts words", async () => {
    const entry = join(EXAMPLES, "wasm-assemblyscript/assembly/index.ts");
    const module = await buildAssemblyScript(entry, ["--use", "abort=assembly/wasi/abort"]);
    await using node = await NodeDouble.run(module, { kind: "wasm" });
    assert.equal(
      (await node.trigger("the cat and the dog and the bird")).text,
      '{"words":5,"top":{"the":3,"and":2,"bird":1}}',
    );
    await node.log(/^5 different words on test\.one$/);
    // More than the first buffer holds.
    assert.equal((await node.trigger("two words ".repeat(2000))).text, '{"words":2,"top":{"two":2000,"words":2000}}');
    await assert.rejects(
      node.trigger("!"),
      (error: NexError) => error.message === "The function exited with code 255.",
    );
    await node.log(/no word in the text.* at assembly\/index\.ts:\d+:\d+/);
  });

  it("C: statistics of numbers", async () => {
    const source = await readFile(join(EXAMPLES, "wasm-c/stats.c"), "utf8");
    await using node = await NodeDouble.run(await buildC(source), { kind: "wasm" });
    assert.deepEqual(JSON.parse((await node.trigger("1\n2.5\n\nmany\r\n-4\n")).text), {
      subject: "test.one",
      count: 3,
      bad: 1,
      min: -4,
      max: 2.5,
      mean: -0.166667,
    });
    await node.log(/^line 4 is not a number: many$/);
    await assert.rejects(node.trigger(""), /exited with code 1/);
  });
});
