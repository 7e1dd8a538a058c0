import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { buildAssemblyScript, findGo, findRust, REPOSITORY, waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";
import { buildGuest } from "./support/wasm-guest.ts";

const EXAMPLES = join(REPOSITORY, "examples");

const TALLIES = [
  {
    language: "C",
    says: 'read: The host service "kv" is switched off',
    build: async () => await buildGuest(await readFile(join(EXAMPLES, "wasm-host-services/c/tally.c"), "utf8")),
  },
  {
    language: "AssemblyScript",
    says: 'service_disabled: The host service "kv" is switched off',
    build: async () =>
      await buildAssemblyScript(join(EXAMPLES, "wasm-host-services/assemblyscript/assembly/index.ts"), [
        "--use",
        "abort=assembly/wasi/abort",
      ]),
  },
];

describe("The examples of WebAssembly functions with host services", () => {
  for (const { language, says, build } of TALLIES) {
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
      await system.told.log(says);
    });
  }

  const go = findGo();
  it("Go: tells what has changed", { skip: go.missing ?? false }, async () => {
    assert.ok(go.missing === undefined);
    await using system = await TestSystem.start();
    await system.deploy(await go.build(join(EXAMPLES, "wasm-go")), { kind: "wasm", triggers: ["fingerprint.*"] });
    const sha256 = createHash("sha256").update("same").digest("hex");
    const tell = async (subject: string, payload: string): Promise<unknown> =>
      (await system.request(subject, payload)).json();
    assert.deepEqual(await tell("fingerprint.a", "same"), { subject: "fingerprint.a", sha256, changed: true });
    await system.told.log("fingerprint.a has changed");
    assert.deepEqual(await tell("fingerprint.a", "same"), { subject: "fingerprint.a", sha256, changed: false });
    assert.deepEqual(await tell("fingerprint.b", "same"), { subject: "fingerprint.b", sha256, changed: true });
  });

  const rust = findRust();
  it("Rust: keeps the largest count", { skip: rust.missing ?? false }, async () => {
    assert.ok(rust.missing === undefined);
    await using system = await TestSystem.start();
    await system.deploy(await rust.build(join(EXAMPLES, "wasm-rust/words.rs")), {
      kind: "wasm",
      triggers: ["words.*"],
    });
    const count = async (payload: string): Promise<unknown> => (await system.request("words.essay", payload)).json();
    assert.deepEqual(await count("to be or not to be"), { words: 6, most: 6 });
    await system.told.log("words.essay has a new record");
    assert.deepEqual(await count("that is the question"), { words: 4, most: 6 });
  });
});
