import { NexError } from "@nex/protocol";
import { type Frame, type FrameType, HEADER_BYTES, LAST_FRAME_TYPE } from "./frame.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Cuts a byte stream into frames. A frame that lies whole in one chunk is handed out as a view of it;
 * one that spans chunks is collected into a buffer of its own, each byte copied once.
 */
export class FrameReader {
  /** Largest body accepted now; raised when the peer is admitted. */
  maxBody: number;
  #chunk: Buffer = EMPTY;
  #offset = 0;
  #header: Buffer = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #body: Buffer | undefined;
  #bodyFilled = 0;

  constructor(maxBody: number) {
    this.maxBody = maxBody;
  }

  /** Takes the next chunk. All frames of the one before must have been read. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** True while {@link next} may still find something in the current chunk. */
  get hasBytes(): boolean {
    return this.#offset < this.#chunk.length;
  }

  /** The next whole frame, or `undefined` when more bytes are needed. @throws NexError `link_protocol` */
  next(): Frame | undefined {
    const chunk = this.#chunk;
    if (this.#headerFilled === 0 && this.#body === undefined && chunk.length - this.#offset >= HEADER_BYTES) {
      const start = this.#offset;
      const length = chunk.readUInt32LE(start);
      this.#check(length, chunk[start + 4]!);
      const end = start + HEADER_BYTES + length;
      if (end <= chunk.length) {
        this.#offset = end;
        return frame(chunk, start, chunk.subarray(start + HEADER_BYTES, end));
      }
    }
    return this.#collect();
  }

  #collect(): Frame | undefined {
    const chunk = this.#chunk;
    if (this.#body === undefined) {
      const copied = chunk.copy(this.#header, this.#headerFilled, this.#offset);
      this.#headerFilled += copied;
      this.#offset += copied;
      if (this.#headerFilled < HEADER_BYTES) return undefined;
      const length = this.#header.readUInt32LE(0);
      this.#check(length, this.#header[4]!);
      this.#body = length === 0 ? EMPTY : Buffer.allocUnsafe(length);
      this.#bodyFilled = 0;
    }
    const body = this.#body;
    const copied = chunk.copy(body, this.#bodyFilled, this.#offset);
    this.#bodyFilled += copied;
    this.#offset += copied;
    if (this.#bodyFilled < body.length) return undefined;
    this.#body = undefined;
    this.#headerFilled = 0;
    return frame(this.#header, 0, body);
  }

  #check(length: number, type: number): void {
    if (type === 0 || type > LAST_FRAME_TYPE) {
      throw new NexError("link_protocol", `The peer sent a frame of unknown type ${type}.`, { data: { type } });
    }
    if (length > this.maxBody) {
      throw new NexError(
        "link_protocol",
        `The peer announced a frame of ${length} bytes; at most ${this.maxBody} are accepted.`,
        {
          data: { length, limit: this.maxBody },
        },
      );
    }
  }
}

function frame(header: Buffer, at: number, body: Buffer): Frame {
  return {
    type: header[at + 4] as FrameType,
    flags: header[at + 5]!,
    method: header.readUInt16LE(at + 6),
    id: header.readUInt32LE(at + 8),
    body,
  };
}
