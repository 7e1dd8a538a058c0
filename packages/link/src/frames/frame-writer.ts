import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type FrameType, HEADER_BYTES } from "./frame.ts";

/** Frames of one turn are collected here and leave in one write. */
const SLAB_BYTES = 64 * 1024;

/** Bodies up to this size are copied once into the slab; larger ones are handed to the socket as they are. */
const COPY_LIMIT = 16 * 1024;

/**
 * Writes frames to a stream, gathering those of one turn of the event loop: under load that is one system
 * call for dozens of frames, and for a single frame it costs no delay, since microtasks run before any I/O.
 */
export class FrameWriter {
  readonly #stream: Duplex;
  /** A socket that has nothing left to write holds no part of the slab any more. Of other streams we do not know. */
  readonly #letsGo: boolean;
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Start of what was gathered but not yet written. */
  #start = 0;
  #end = 0;
  #scheduled = false;
  readonly #flush = (): void => this.flush();

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#letsGo = stream instanceof Socket;
  }

  /** Bytes accepted and not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.#stream.writableLength + this.#end - this.#start;
  }

  write(type: FrameType, flags: number, method: number, id: number, head?: Uint8Array, payload?: Uint8Array): void {
    const headLength = head?.length ?? 0;
    const payloadLength = payload?.length ?? 0;
    const inSlab = HEADER_BYTES + headLength + (payloadLength <= COPY_LIMIT ? payloadLength : 0);
    if (inSlab > SLAB_BYTES) {
      this.#writeLarge(type, flags, method, id, head, payload);
      return;
    }
    if (this.#end + inSlab > SLAB_BYTES) this.#renew();
    const slab = this.#slab;
    this.#end = putHeader(slab, this.#end, headLength + payloadLength, type, flags, method, id);
    if (headLength > 0) {
      slab.set(head!, this.#end);
      this.#end += headLength;
    }
    if (payloadLength > 0) {
      if (payloadLength <= COPY_LIMIT) {
        slab.set(payload!, this.#end);
        this.#end += payloadLength;
      } else {
        this.flush();
        this.#stream.write(payload);
        return;
      }
    }
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flush);
    }
  }

  /** Hands everything gathered to the stream now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#end === this.#start || this.#stream.destroyed) return;
    const gathered = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#stream.write(gathered);
    if (this.#letsGo && this.#stream.writableLength === 0) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  /** Makes room. A slab the stream may still read from is left to the garbage collector. */
  #renew(): void {
    this.flush();
    if (this.#end === 0) return;
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#start = 0;
    this.#end = 0;
  }

  #writeLarge(
    type: FrameType,
    flags: number,
    method: number,
    id: number,
    head?: Uint8Array,
    payload?: Uint8Array,
  ): void {
    this.flush();
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    putHeader(header, 0, (head?.length ?? 0) + (payload?.length ?? 0), type, flags, method, id);
    this.#stream.cork();
    this.#stream.write(header);
    if (head !== undefined) this.#stream.write(head);
    if (payload !== undefined) this.#stream.write(payload);
    this.#stream.uncork();
  }
}

function putHeader(
  into: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  method: number,
  id: number,
): number {
  into.writeUInt32LE(length, at);
  into[at + 4] = type;
  into[at + 5] = flags;
  into.writeUInt16LE(method, at + 6);
  into.writeUInt32LE(id, at + 8);
  return at + HEADER_BYTES;
}
