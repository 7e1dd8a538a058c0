import { StringDecoder } from "node:string_decoder";

/** A longer line is handed on in pieces, so that a process that never ends its line cannot fill our memory. */
const MAX_LINE = 8 * 1024;

/** Turns an output stream into lines. Bytes that are not UTF-8 become replacement characters. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder: StringDecoder = new StringDecoder("utf8");
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (this.#rest.length > MAX_LINE) {
      const end = pieceEnd(this.#rest, 0);
      this.#onLine(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end);
    }
  }

  /** The stream has ended: an unfinished line counts as one. */
  end(): void {
    this.#rest += this.#decoder.end();
    if (this.#rest.length > 0) this.#emit(this.#rest);
    this.#rest = "";
  }

  #emit(line: string): void {
    let start = 0;
    do {
      const end = pieceEnd(line, start);
      this.#onLine(line.slice(start, end));
      start = end;
    } while (start < line.length);
  }
}

/** Where the piece that begins at `start` ends: never between the two halves of a character. */
function pieceEnd(line: string, start: number): number {
  const end = start + MAX_LINE;
  return end < line.length && (line.charCodeAt(end - 1) & 0xfc00) === 0xd800 ? end - 1 : end;
}
