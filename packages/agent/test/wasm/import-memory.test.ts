import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeU32 } from "../../src/runner/wasm/binary-reader.ts";
import { capModule, PAGE_BYTES } from "../../src/runner/wasm/cap-module.ts";
import { WebAssembly } from "../../src/runner/wasm/engine.ts";
import { importMemory } from "../../src/runner/wasm/import-memory.ts";
import { buildProbe, command, importing, moduleOf, type Section } from "./support/modules.ts";

const text = (value: string): number[] => [...encodeU32(value.length), ...Buffer.from(value)];

/** Of a byte at address 3, in memory 0. */
const DATA: Section = { id: 11, body: [1, 0, 0x41, 3, 0x0b, 1, 42] };
const CUSTOM: Section = { id: 0, body: text("note") };

const capped = (module: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> => capModule(module, 5 * PAGE_BYTES).bytes;

describe("importMemory", () => {
  it("has the module use the memory that it is given, as its own", async () => {
    const { bytes, memory, shift } = importMemory(capped(command({ more: [DATA] })));
    assert.deepEqual(memory, { initial: 1, maximum: 5 });
    assert.equal(shift, bytes.length - capped(command({ more: [DATA] })).length);
    const given = new WebAssembly.Memory(memory);
    const module = await WebAssembly.compile(bytes);
    const { exports } = new WebAssembly.Instance(module, { nex_runner: { memory: given } });
    assert.equal(exports["memory"], given);
    assert.deepEqual([...new Uint8Array(given.buffer, 2, 3)], [0, 42, 0]);
  });

  it("puts the import after the module's others, whatever custom sections are in between", async () => {
    const ours = { module: "nex_runner", name: "memory", kind: "memory" };
    const names = async (module: Buffer<ArrayBuffer>): Promise<unknown[]> => {
      const found = WebAssembly.Module.imports(await WebAssembly.compile(importMemory(capped(module)).bytes));
      return found.map(({ module: from, name, kind }) => ({ module: from, name, kind }));
    };
    assert.deepEqual(await names(importing(["a", "b"], ["c", "d"])), [
      { module: "a", name: "b", kind: "function" },
      { module: "c", name: "d", kind: "function" },
      ours,
    ]);
    assert.deepEqual(await names(command()), [ours]);
    const withNotes = command();
    const noted = Buffer.concat([withNotes.subarray(0, 8), moduleOf(CUSTOM).subarray(8), withNotes.subarray(8)]);
    assert.deepEqual(await names(Buffer.from(new Uint8Array(noted))), [ours]);
  });

  it("leaves a module without a memory of its own as it is", () => {
    const none = moduleOf({ id: 5, body: [0] });
    for (const module of [moduleOf(), none, moduleOf(CUSTOM)]) {
      const result = importMemory(capped(module));
      assert.deepEqual(
        [result.memory, result.shift, Buffer.from(result.bytes)],
        [undefined, 0, Buffer.from(capped(module))],
      );
    }
  });

  it("keeps real programs valid", async () => {
    const module = await WebAssembly.compile(importMemory(capped(Buffer.from(await buildProbe()))).bytes);
    assert.equal(WebAssembly.Module.imports(module).at(-1)?.kind, "memory");
  });
});
