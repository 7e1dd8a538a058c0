import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { buildAssemblyScript, REPOSITORY, waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";
import { buildGuest } from "./support/wasm-guest.ts";

const EXAMPLES = join(REPOSITORY, "examples");

const TALLIES = [
  {
    language: "C",
    build: async () => await buildGuest(await readFile(join(EXAMPLES, "wasm-host-services/c/tally.c"), "utf8")),
  },
  {
    language: "AssemblyScript",
    build: async () =>
      await buildAssemblyScript(join(EXAMPLES, "wasm-host-services/assemblyscript/assembly/index.ts"), [
        "--use",
        "abort=assembly/wasi/abort",
      ]),
  },
];

describe("The examples of WebAssembly functions with host services", () => {
  for (const { language, build } of TALLIES) {
    it(`${language}: counts in key-value and publishes, with several replicas`, async () => {
      await using system = await TestSystem.start({ poolSize: 2 });
      const published: string[] = [];
      system.client.subscribe("tallied", {
        callback: (_, message) => void published.push(`${message.headers?.get("Subject")} ${message.string()}`),
      });
      await system.deploy(await build(), { kind: "wasm", triggers: ["tally.*"], replicas: 2 });
      const replies = await Promise.all(
        Array.from({ length: 10 }, async () => (await system.request("tally.apples")).string()),
      );
      const counts = Array.from({ length: 10 }, (_, index) => String(index + 1));
      assert.deepEqual(
        replies.map(Number).sort((a, b) => a - b),
        counts.map(Number),
      );
      assert.equal((await system.request("tally.pears")).string(), "1");
      await waitFor(() => published.length === 11, { message: "all numbers to be published" });
      assert.deepEqual(published.sort(), [...counts.map((count) => `tally.apples ${count}`), "tally.pears 1"].sort());
    });

    it(`${language}: tells in its log what went wrong`, async () => {
      await using system = await TestSystem.start({ hostServices: { kv: { enabled: false } } });
      await system.deploy(await build(), { kind: "wasm", triggers: ["tally.*"] });
      await system.request("tally.apples");
      await system.told.log('The host service "kv" is switched off for this workload.');
    });
  }
});
