import { Errno, WasiError } from "./errno.ts";

/** Bits of `rights` (`witx/typenames.witx`). A guest takes a stream that may seek for a file. */
const Right = { read: 1n << 1n, write: 1n << 6n, poll: 1n << 27n } as const;

/** One of the three streams a guest begins with. There is no way to open others. */
export interface Stream {
  readonly rights: bigint;
  /** Bytes that a read can still give. */
  readonly available: number;
  /** Bytes read; 0 at the end. */
  read(into: Uint8Array): number;
  write(bytes: Uint8Array): void;
}

export function inputStream(content: Uint8Array): Stream {
  let position = 0;
  return {
    rights: Right.read | Right.poll,
    get available() {
      return content.length - position;
    },
    read: (into) => {
      const chunk = content.subarray(position, position + into.length);
      into.set(chunk);
      position += chunk.length;
      return chunk.length;
    },
    write: refuse,
  };
}

export function outputStream(write: (bytes: Uint8Array) => void): Stream {
  return { rights: Right.write | Right.poll, available: 0, read: refuse, write };
}

function refuse(): never {
  throw new WasiError(Errno.badDescriptor);
}

/** The guest's open descriptors, by number. */
export class Descriptors {
  readonly #open: Map<number, Stream>;

  constructor(stdin: Stream, stdout: Stream, stderr: Stream) {
    this.#open = new Map([
      [0, stdin],
      [1, stdout],
      [2, stderr],
    ]);
  }

  /** @throws WasiError `badDescriptor` */
  get(descriptor: number): Stream {
    const stream = this.#open.get(descriptor >>> 0);
    if (stream === undefined) throw new WasiError(Errno.badDescriptor);
    return stream;
  }

  close(descriptor: number): void {
    this.get(descriptor);
    this.#open.delete(descriptor >>> 0);
  }

  /** Moves an open descriptor over another open one. */
  renumber(from: number, to: number): void {
    const stream = this.get(from);
    this.get(to);
    this.#open.delete(from >>> 0);
    this.#open.set(to >>> 0, stream);
  }
}
