import { StringDecoder } from "node:string_decoder";

/** A longer line is handed on in pieces, so that a process that never ends its line cannot fill our memory. */
const MAX_LINE = 8 * 1024;

/** A process whose output stands still for so long in the middle of a line asks something or shows progress, ms. */
export const PART_QUIET_MS = 200;

/** Turns an output stream into lines. Bytes that are not UTF-8 become replacement characters. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #quietMs: number | undefined;
  readonly #decoder: StringDecoder = new StringDecoder("utf8");
  #rest = "";
  /** The line now read has been handed on in part: what is left of it may be nothing. */
  #isContinued = false;
  #quiet: NodeJS.Timeout | undefined;

  /** @param quietMs after so long without output an unfinished line is handed on as it is. Default: never. */
  constructor(onLine: (line: string) => void, quietMs?: number) {
    this.#onLine = onLine;
    this.#quietMs = quietMs;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#finish(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (this.#rest.length > MAX_LINE) {
      const end = pieceEnd(this.#rest, 0);
      this.#onLine(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end);
    }
    this.#watchQuiet();
  }

  /** The stream has ended: an unfinished line counts as one. */
  end(): void {
    clearTimeout(this.#quiet);
    this.#rest += this.#decoder.end();
    this.#handOnRest();
  }

  #watchQuiet(): void {
    clearTimeout(this.#quiet);
    if (this.#quietMs === undefined || this.#rest.length === 0) return;
    this.#quiet = setTimeout(() => {
      this.#handOnRest();
      this.#isContinued = true;
    }, this.#quietMs);
    // The process that writes keeps us up, not its unfinished line.
    this.#quiet.unref();
  }

  #handOnRest(): void {
    if (this.#rest.length > 0) this.#emit(this.#rest);
    this.#rest = "";
  }

  #finish(line: string): void {
    if (line.length > 0 || !this.#isContinued) this.#emit(line);
    this.#isContinued = false;
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
