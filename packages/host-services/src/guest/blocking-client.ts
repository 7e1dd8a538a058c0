import { readSync, writeSync } from "node:fs";
import {
  decodeError,
  decodeServiceAnswer,
  encodeServiceRequest,
  FrameReader,
  FrameType,
  HEADER_BYTES,
  SERVICE_CODE,
  type ServiceAnswer,
  WHOLE_FLAG,
} from "@nex/link";
import { NexError } from "@nex/protocol";
import type { ServiceMessage } from "./service-client.ts";

/** Larger than any answer; what the node sends is bounded by the node. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const READ_BYTES = 64 * 1024;

/** For the kernel to take or have bytes, where the descriptor does not block, ms. */
const RETRY_MS = 1;

/** A guest's way to host services without an event loop: the thread stands still until the answer is here. */
export class BlockingClient {
  readonly #descriptor: number;
  readonly #maxPayload: () => number;
  readonly #reader: FrameReader = new FrameReader(MAX_ANSWER_BYTES);
  #nextId = 2;

  /** @param descriptor a socket that blocks, with a link to the node at its other end */
  constructor(descriptor: number, maxPayload: () => number) {
    this.#descriptor = descriptor;
    this.#maxPayload = maxPayload;
  }

  /** @throws NexError */
  call(service: number, method: number, { args, headers, payload }: ServiceMessage): ServiceAnswer {
    const head = encodeServiceRequest(service, method, WHOLE_FLAG, args, headers);
    const size = payload?.length ?? 0;
    const limit = this.#maxPayload();
    if (size > limit || head.length > READ_BYTES / 2)
      throw new NexError("too_large", `It has ${size} bytes; at most ${limit} are taken.`, { data: { size, limit } });
    const id = this.#nextId++;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(head.length + size, 0);
    header[4] = FrameType.call;
    header.writeUInt16LE(SERVICE_CODE, 6);
    header.writeUInt32LE(id, 8);
    this.#write(payload === undefined ? Buffer.concat([header, head]) : Buffer.concat([header, head, payload]));
    return this.#read(id);
  }

  #read(id: number): ServiceAnswer {
    for (;;) {
      const frame = this.#reader.next();
      if (frame === undefined) {
        this.#fill();
      } else if (frame.type === FrameType.goodbye) {
        throw decodeError(frame.body);
      } else if (frame.id === id) {
        if (frame.type === FrameType.reply) return decodeServiceAnswer(frame.body);
        if (frame.type === FrameType.error) throw decodeError(frame.body);
      }
    }
  }

  #fill(): void {
    const chunk = Buffer.allocUnsafe(READ_BYTES);
    const count = patiently(() => readSync(this.#descriptor, chunk));
    if (count === 0) throw new NexError("link_closed", "The link for host services was closed.");
    this.#reader.push(chunk.subarray(0, count));
  }

  #write(bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length;) offset += patiently(() => writeSync(this.#descriptor, bytes, offset));
  }
}

function patiently(operation: () => number): number {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        throw new NexError("link_closed", `The link for host services broke: ${(error as Error).message}.`, {
          cause: error,
        });
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
