import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { isNexError } from "@nex/protocol";
import fc from "fast-check";
import { BinaryReader, encodeU32, MalformedModule } from "../../src/runner/wasm/binary-reader.ts";
import { capModule, PAGE_BYTES } from "../../src/runner/wasm/cap-module.ts";
import { WebAssembly, type WasmMemory } from "../../src/runner/wasm/engine.ts";
import { buildProbe, command, memorySection, moduleOf, tableSection } from "./support/modules.ts";

interface Growing extends WasmMemory {
  grow(by: number): number;
}

async function instantiate(bytes: Uint8Array<ArrayBuffer>): Promise<Readonly<Record<string, unknown>>> {
  return new WebAssembly.Instance(await WebAssembly.compile(bytes), {}).exports;
}

/** Pages the memory of a module gets to before it refuses. */
async function reach(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const memory = (await instantiate(bytes))["memory"] as Growing;
  for (;;) {
    try {
      memory.grow(1);
    } catch {
      return memory.buffer.byteLength / PAGE_BYTES;
    }
  }
}

const pages = (count: number): number => count * PAGE_BYTES;

describe("capModule", () => {
  it("gives a memory without maximum one", async () => {
    assert.equal(await reach(capModule(command({ memory: [0, 2] }), pages(5)).bytes), 5);
  });

  it("lowers a maximum that is higher, and keeps one that is lower", async () => {
    assert.equal(await reach(capModule(command({ memory: [1, 1, 9] }), pages(5)).bytes), 5);
    assert.equal(await reach(capModule(command({ memory: [1, 1, 3] }), pages(5)).bytes), 3);
  });

  it("rounds the limit down to pages", async () => {
    assert.equal(await reach(capModule(command(), pages(3) - 1).bytes), 2);
  });

  it("refuses a memory that begins with more, and says how much", () => {
    assert.throws(
      () => capModule(command({ memory: [0, 32] }), pages(16)),
      (error) => isNexError(error) && error.code === "invalid_artifact" && /2 MiB.*1 MiB.*--memory/.test(error.message),
    );
  });

  it("tells shared, 64-bit and several memories from what a function may have", () => {
    assert.throws(() => capModule(command({ memory: [3, 1, 2] }), pages(5)), /shared between threads/);
    assert.throws(() => capModule(command({ memory: [4, 1] }), pages(5)), /64-bit/);
    assert.throws(() => capModule(moduleOf(memorySection([0, 1], [0, 1])), pages(5)), /2 memories/);
  });

  it("bounds tables", async () => {
    const text = [1, 0x74];
    const exported = { id: 7, body: [1, ...text, 1, 0] };
    const bytes = moduleOf(tableSection([0x70, 0, 1]), exported);
    const grow = async (of: Uint8Array<ArrayBuffer>, by: number): Promise<number> =>
      ((await instantiate(of))["t"] as Growing).grow(by);
    assert.equal(await grow(capModule(bytes, pages(5)).bytes, 999_999), 1);
    await assert.rejects(grow(capModule(bytes, pages(5)).bytes, 1_000_000), RangeError);
    assert.throws(
      () => capModule(moduleOf(tableSection([0x70, 0, ...encodeU32(1_000_001)])), pages(5)),
      /1000001 entries/,
    );
    assert.throws(
      () => capModule(moduleOf(tableSection(...Array.from({ length: 9 }, () => [0x70, 0, 1]))), pages(5)),
      /9 tables/,
    );
  });

  it("keeps the initializer of a table", async () => {
    const bytes = moduleOf(tableSection([0x40, 0, 0x63, 0x70, 0, 1, 0xd0, 0x70, 0x0b]));
    await WebAssembly.compile(bytes);
    await WebAssembly.compile(capModule(bytes, pages(5)).bytes);
  });

  it("says whether a module runs code when it is instantiated", () => {
    assert.equal(capModule(command(), pages(5)).hasStart, false);
    assert.equal(capModule(command({ more: [{ id: 8, body: [0] }] }), pages(5)).hasStart, true);
  });

  it("does not pass over flags it does not know", () => {
    assert.throws(() => capModule(command({ memory: [8, 1, 0] }), pages(5)), MalformedModule);
    assert.throws(() => capModule(command({ memory: [0x80, 0, 1] }), pages(5)), MalformedModule);
  });
});

describe("capModule, with anything", () => {
  let probe: Buffer = Buffer.alloc(0);
  before(async () => void (probe = await buildProbe()));

  it("either refuses random bytes or leaves their size about as it was", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => void holds(Buffer.concat([moduleOf(), tail]))),
      { numRuns: 2000 },
    );
  });

  it("holds what a damaged program may grow to, wherever the damage is", async () => {
    await fc.assert(
      fc.asyncProperty(
        // The small sections lie at the beginning.
        fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (damage) => {
          const damaged = Buffer.from(probe);
          for (const [at, value] of damage) damaged[8 + at] = value;
          const capped = holds(damaged);
          if (capped === undefined) return;
          // The engine's own limits parser is the judge: it must find the maximum we put in.
          const module = await WebAssembly.compile(capped).catch(() => undefined);
          if (module === undefined || !WebAssembly.Module.exports(module).some(({ kind }) => kind === "memory")) return;
          const again = capModule(capped, pages(64));
          assert.deepEqual(Buffer.from(again.bytes), Buffer.from(capped));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("cuts off anywhere without a fault of its own", () => {
    for (let length = 8; length < Math.min(probe.length, 600); length++) holds(probe.subarray(0, length));
  });

  /** @returns the capped module, if it was not refused */
  function holds(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    try {
      const capped = capModule(bytes, pages(64));
      assert.ok(capped.bytes.length <= bytes.length + 200);
      return capped.bytes;
    } catch (error) {
      if (error instanceof MalformedModule || isNexError(error)) return undefined;
      throw error;
    }
  }
});

describe("BinaryReader", () => {
  it("reads back what was encoded", () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_ffff }), (value) => {
        const reader = new BinaryReader(Uint8Array.from(encodeU32(value)));
        assert.equal(reader.u32(), value);
        assert.ok(reader.atEnd);
      }),
    );
  });

  it("refuses numbers that are too long and ends that come too early", () => {
    assert.throws(() => new BinaryReader(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x10)).u32(), MalformedModule);
    assert.throws(() => new BinaryReader(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0)).u32(), MalformedModule);
    assert.throws(() => new BinaryReader(Uint8Array.of(0x80)).u32(), MalformedModule);
    assert.throws(() => new BinaryReader(Uint8Array.of(1, 2)).skip(3), MalformedModule);
    assert.throws(() => new BinaryReader(Uint8Array.of(1, 2), 0, 1).skip(2), MalformedModule);
  });
});
