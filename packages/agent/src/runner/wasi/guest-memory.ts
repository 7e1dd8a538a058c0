import type { WasmMemory } from "../wasm/engine.ts";
import { Errno, WasiError } from "./errno.ts";

/** More buffers in one read or write are refused, as Linux does (IOV_MAX). */
const MAX_BUFFERS = 1024;

const BUFFER_RECORD_BYTES = 8;

/**
 * A guest's linear memory. Every pointer and length in it is the guest's word: each access is checked against
 * the memory's present size, and one that does not fit ends the call with `fault` before anything was touched.
 * Pointers arrive as the signed numbers WebAssembly makes of i32 and are read as unsigned.
 */
export class GuestMemory {
  #memory: WasmMemory | undefined;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);

  /** Before and after every access faults. */
  attach(memory: WasmMemory): void {
    this.#memory = memory;
  }

  /** Gives the memory to whoever uses it next. */
  detach(): WasmMemory | undefined {
    const memory = this.#memory;
    this.#memory = undefined;
    this.#bytes = new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer);
    return memory;
  }

  /** The bytes themselves, not a copy: good until control goes back to the guest. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const start = this.#check(pointer, length >>> 0);
    return this.#bytes.subarray(start, start + (length >>> 0));
  }

  /** As {@link bytes}, for unsigned numbers, and without an error of WASI's. */
  view(pointer: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    this.#refresh();
    return pointer + length > this.#bytes.length ? undefined : this.#bytes.subarray(pointer, pointer + length);
  }

  /** The buffers that an array of `iovec` or `ciovec` names. */
  buffers(pointer: number, count: number): Uint8Array<ArrayBuffer>[] {
    if (count >>> 0 > MAX_BUFFERS) throw new WasiError(Errno.invalid);
    const start = this.#check(pointer, count * BUFFER_RECORD_BYTES);
    const found: Uint8Array<ArrayBuffer>[] = [];
    for (let at = start; at < start + count * BUFFER_RECORD_BYTES; at += BUFFER_RECORD_BYTES)
      found.push(this.bytes(this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true)));
    return found;
  }

  readU8(pointer: number): number {
    const at = this.#check(pointer, 1);
    return this.#view.getUint8(at);
  }

  readU16(pointer: number): number {
    const at = this.#check(pointer, 2);
    return this.#view.getUint16(at, true);
  }

  readU32(pointer: number): number {
    const at = this.#check(pointer, 4);
    return this.#view.getUint32(at, true);
  }

  readU64(pointer: number): bigint {
    const at = this.#check(pointer, 8);
    return this.#view.getBigUint64(at, true);
  }

  writeU8(pointer: number, value: number): void {
    const at = this.#check(pointer, 1);
    this.#view.setUint8(at, value);
  }

  writeU16(pointer: number, value: number): void {
    const at = this.#check(pointer, 2);
    this.#view.setUint16(at, value, true);
  }

  writeU32(pointer: number, value: number): void {
    const at = this.#check(pointer, 4);
    this.#view.setUint32(at, value, true);
  }

  writeU64(pointer: number, value: bigint): void {
    const at = this.#check(pointer, 8);
    this.#view.setBigUint64(at, value, true);
  }

  /** Comes before any use of the view: it may be a new one afterwards. */
  #check(pointer: number, length: number): number {
    const start = pointer >>> 0;
    this.#refresh();
    if (start + length > this.#bytes.length) throw new WasiError(Errno.fault);
    return start;
  }

  #refresh(): void {
    // Growing the memory leaves the old buffer behind with a length of 0.
    if (this.#memory === undefined || this.#bytes.buffer === this.#memory.buffer) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#bytes.buffer);
  }
}
