import type { MemorySize } from "./import-memory.ts";
import { WebAssembly, type WasmMemory } from "./engine.ts";
import { PAGE_BYTES } from "./cap-module.ts";
import { Garbage } from "../garbage.ts";

/** What the memories of ended instances may add up to before they are collected. */
const BUDGET_BYTES = 32 * 2 ** 20;

/** An instance itself, on the engine's heap: measured, with all that one invocation makes. */
const INSTANCE_BYTES = 12 * 1024;

/**
 * The memories of a module's instances, one after the other. One that an instance has not grown is zeroed and serves
 * the next: to that it looks like a new one. One that has grown cannot shrink, and is left to the collector.
 */
export class Memories {
  readonly #size: MemorySize;
  readonly #garbage: Garbage = new Garbage(BUDGET_BYTES);
  #spare: WasmMemory | undefined;
  #isClean = true;

  constructor(size: MemorySize) {
    this.#size = size;
  }

  take(): WasmMemory {
    const spare = this.#spare;
    if (spare === undefined) return new WebAssembly.Memory(this.#size);
    this.#spare = undefined;
    this.#clean(spare);
    return spare;
  }

  /** Its instance has ended, and nothing reads or writes it any more. Zeroed once the reply is on the way. */
  giveBack(memory: WasmMemory): void {
    const bytes = memory.buffer.byteLength;
    const isReusable = this.#spare === undefined && bytes === this.#size.initial * PAGE_BYTES;
    this.#garbage.add(INSTANCE_BYTES + (isReusable ? 0 : bytes));
    if (!isReusable) return;
    this.#spare = memory;
    this.#isClean = false;
    setImmediate(() => {
      if (this.#spare === memory) this.#clean(memory);
    });
  }

  #clean(memory: WasmMemory): void {
    if (this.#isClean) return;
    new Uint8Array(memory.buffer).fill(0);
    this.#isClean = true;
  }
}
