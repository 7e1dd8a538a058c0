import type { Socket } from "node:net";
import { type Frame, FrameReader, FrameType, HEADER_BYTES, Link, type LinkOptions } from "@nex/link";
import { fromErrorJson, type NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { socketPair } from "./sockets.ts";

export interface RawFrame {
  readonly type: number;
  readonly flags?: number;
  readonly method?: number;
  readonly id?: number;
  readonly body?: Uint8Array | string;
  /** What the header announces, if not the body's true length. */
  readonly length?: number;
}

/** The bytes of a frame, however wrong. */
export function frameBytes({ type, flags = 0, method = 0, id = 0, body = "", length }: RawFrame): Buffer {
  const content = Buffer.from(body);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(length ?? content.length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt8(flags, 5);
  header.writeUInt16LE(method, 6);
  header.writeUInt32LE(id, 8);
  return Buffer.concat([header, content]);
}

/** A credit grant's body. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A peer that sends whatever bytes it likes, and the link it talks to. */
export class RawPeer implements AsyncDisposable {
  readonly link: Link;
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  readonly #reader: FrameReader = new FrameReader(64 * 1024 * 1024);

  private constructor(link: Link, socket: Socket) {
    this.link = link;
    this.socket = socket;
    socket.on("error", () => undefined);
  }

  static async meet(options: LinkOptions = {}): Promise<RawPeer> {
    const [accepted, dialled] = await socketPair();
    return new RawPeer(new Link(accepted, options), dialled);
  }

  /** Reads what the link sends into {@link frames}. Without it, the peer never reads. */
  listen(): this {
    this.socket.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) this.frames.push(frame);
    });
    return this;
  }

  send(...frames: readonly (RawFrame | Buffer)[]): void {
    this.socket.write(Buffer.concat(frames.map((frame) => (Buffer.isBuffer(frame) ? frame : frameBytes(frame)))));
  }

  /** The next frame of this type that came in, taken out of {@link frames}. */
  async receive(type: number): Promise<Frame> {
    const found = await waitFor(() => this.frames.find((frame) => frame.type === type), {
      message: `a frame of type ${type}`,
    });
    this.frames.splice(this.frames.indexOf(found), 1);
    return found;
  }

  /** The reason in the goodbye that the link said. */
  async goodbye(): Promise<NexError> {
    return fromErrorJson(JSON.parse((await this.receive(FrameType.goodbye)).body.toString()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.link.close();
    this.socket.destroy();
    await this.link.closed;
  }
}
