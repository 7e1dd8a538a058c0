import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { NodeDouble } from "../support/node-double.ts";
import { compileModule } from "../../src/runner/wasm/compile-module.ts";
import { command, importing, moduleOf } from "./support/modules.ts";

interface Refusal {
  readonly title: string;
  readonly bytes: Buffer<ArrayBuffer>;
  readonly says: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  { title: "an empty file", bytes: Buffer.alloc(0), says: /empty/ },
  { title: "text", bytes: Buffer.from("export default () => 1"), says: /not a WebAssembly module/ },
  { title: "a file cut short after its magic", bytes: Buffer.from("\0asm"), says: /not a WebAssembly module/ },
  {
    title: "a component",
    bytes: Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 7, 1, 0]),
    says: /component.*preview 1.*wasm32-wasip1/,
  },
  { title: "another version", bytes: Buffer.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]), says: /version 2/ },
  { title: "a file cut short", bytes: command().subarray(0, -2), says: /corrupt: .*@\+\d+/ },
  {
    title: "code that does not validate, at its place in the author's file",
    bytes: Buffer.from([...command().subarray(0, -1), 0x6a]),
    says: new RegExp(`corrupt: .*@\\+${command().length - 1}`),
  },
  { title: "no _start", bytes: command({ exports: ["main"] }), says: /no _start function.*not a WASI command/ },
  { title: "a reactor", bytes: command({ exports: ["_initialize"] }), says: /reactor.*_initialize/ },
  { title: "an empty module", bytes: moduleOf(), says: /no _start/ },
  {
    title: "an import that is not there",
    bytes: importing(["wasi_snapshot_preview1", "fd_read"], ["wasi_snapshot_preview1", "fd_frobnicate"]),
    says: /imports wasi_snapshot_preview1\.fd_frobnicate, which is not there/,
  },
  {
    title: "an import named like a method of objects",
    bytes: importing(["wasi_snapshot_preview1", "constructor"]),
    says: /constructor/,
  },
  { title: "AssemblyScript's abort", bytes: importing(["env", "abort"]), says: /env\.abort.*--use abort/ },
  {
    title: "a host service that is not there",
    bytes: importing(["nex_host_v1", "kv_get"], ["nex_host_v1", "kv_frobnicate"]),
    says: /imports nex_host_v1\.kv_frobnicate, which is not there.*wasi_snapshot_preview1 and nex_host_v1/,
  },
  {
    title: "host services of a version that is not there",
    bytes: importing(["nex_host_v9", "kv_get"]),
    says: /imports nex_host_v9\.kv_get, which is not there.*The host services are in nex_host_v1/,
  },
  { title: "preview 0", bytes: importing(["wasi_unstable", "fd_write"]), says: /wasi_unstable\.fd_write.*preview 0/ },
  { title: "preview 2", bytes: importing(["wasi:cli/stdout@0.2.0", "get-stdout"]), says: /preview 2/ },
  { title: "threads", bytes: importing(["wasi", "thread-spawn"]), says: /one thread/ },
  { title: "Go for browsers", bytes: importing(["gojs", "runtime.wasmExit"]), says: /GOOS=wasip1/ },
  {
    title: "an imported memory",
    bytes: moduleOf({ id: 2, body: [1, 3, 0x65, 0x6e, 0x76, 6, ...Buffer.from("memory"), 2, 0, 1] }),
    says: /env\.memory \(a memory\).*declare its memory itself/,
  },
  {
    title: "many imports",
    bytes: importing(...Array.from({ length: 8 }, (_, index) => ["env", `f${index}`] as const)),
    says: /env\.f0, env\.f1, env\.f2, env\.f3, env\.f4 and 3 more/,
  },
  { title: "too much memory", bytes: command({ memory: [0, 0x81, 0x10] }), says: /128\.06 MiB.*128 MiB/ },
];

describe("A module that cannot be a function is refused", () => {
  for (const { title, bytes, says } of REFUSALS) {
    it(title, async () => {
      await assert.rejects(compileModule(bytes, 128 * 1024 * 1024), (error: NexError) => {
        assert.equal(error.code, "invalid_artifact");
        assert.match(error.message, says);
        return true;
      });
    });
  }

  it("at its deploy, also for data that does not fit into its memory", async () => {
    await using node = await NodeDouble.start();
    // One active data segment at the last byte of the first page, two bytes long.
    const data = { id: 11, body: [1, 0, 0x41, 0xff, 0xff, 3, 0x0b, 2, 1, 2] };
    await assert.rejects(node.deploy(command({ more: [data] }), { kind: "wasm" }), (error: NexError) => {
      assert.equal(error.code, "invalid_artifact");
      assert.match(error.message, /cannot be instantiated: .*data segment/);
      return true;
    });
  });

  it("but not a command that imports host services", async () => {
    const module = importing(["nex_host_v1", "kv_get"], ["wasi_snapshot_preview1", "fd_read"]);
    assert.equal((await compileModule(module, 128 * 1024 * 1024)).hasStart, false);
  });

  it("nor a command that imports nothing", async () => {
    await using node = await NodeDouble.run(command(), { kind: "wasm" });
    assert.equal((await node.trigger("ignored")).text, "");
  });
});
