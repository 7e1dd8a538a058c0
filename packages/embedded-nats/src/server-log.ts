import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import type { LogLevel } from "@nex/protocol";

export interface NatsLogLine {
  readonly level: LogLevel;
  /** Without nats-server's own time, process id and level. */
  readonly text: string;
}

/** Emptied past this: a misbehaving client can make the server log a line for each of its messages. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const TAIL_LINES = 40;

/** `[pid] date time [LVL] text`, see nats-server's logger/log.go. */
const LINE = /^\[\d+\] \S+ \S+ \[(\w{3})\] (.*)$/;
const LEVELS: Readonly<Record<string, LogLevel>> = { FTL: "error", ERR: "error", WRN: "warn", INF: "info" };

/** Said at every start and reload; here it is meant, see `ServerConfig`. */
const EXPECTED = "Plaintext passwords detected";

export function parseLogLine(line: string): NatsLogLine {
  const found = LINE.exec(line);
  // Before its logger works nats-server writes `nats-server: reason`.
  if (found === null) return { level: line.startsWith("nats-server: ") ? "error" : "info", text: line };
  return { level: LEVELS[found[1] ?? ""] ?? "debug", text: found[2] ?? "" };
}

/**
 * Follows the file that the server's stderr goes to.
 *
 * It is a file and not a pipe because a Go program that writes to a broken stderr is ended at once (os/signal,
 * "SIGPIPE"): after a kill -9 of the node the server would die in the first log line of its shutdown, JetStream
 * unflushed. Besides, the file is still there to read after a crash.
 */
export class ServerLog {
  readonly #file: FileHandle;
  readonly #sink: (line: NatsLogLine) => void;
  readonly #tail: NatsLogLine[] = [];
  #watcher: FSWatcher | undefined;
  #offset = 0;
  readonly #decoder = new StringDecoder("utf8");
  #partial = "";
  #reading: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle, sink: (line: NatsLogLine) => void) {
    this.#file = file;
    this.#sink = sink;
    try {
      this.#watcher = watch(path, { persistent: false }, () => void this.read());
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // Out of inotify watches: lines are then seen when the server starts and ends.
    }
  }

  static async create(path: string, sink: (line: NatsLogLine) => void): Promise<ServerLog> {
    const file = await open(path, "a+", 0o600);
    await file.chmod(0o600);
    await file.truncate(0);
    return new ServerLog(path, file, sink);
  }

  /** For the server to write to. */
  get fd(): number {
    return this.#file.fd;
  }

  /** The last lines, oldest first. */
  tail(): readonly NatsLogLine[] {
    return this.#tail;
  }

  /** Why the server failed, in its own words. */
  lastError(): string | undefined {
    return this.#tail.findLast((line) => line.level === "error")?.text ?? this.#tail.at(-1)?.text;
  }

  /** Reads up to the present end of the file. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(async () => await this.#readNew()).catch(() => undefined);
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    await this.read();
    await this.#file.close();
  }

  async #readNew(): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, CHUNK_BYTES, this.#offset);
      if (bytesRead === 0) break;
      this.#offset += bytesRead;
      const lines = (this.#partial + this.#decoder.write(buffer.subarray(0, bytesRead))).split("\n");
      this.#partial = (lines.pop() ?? "").slice(-CHUNK_BYTES);
      for (const line of lines) this.#add(line);
    }
    if (this.#offset > MAX_LOG_BYTES) {
      // The server appends, so it goes on at the new end.
      await this.#file.truncate(0);
      this.#offset = 0;
    }
  }

  #add(raw: string): void {
    const line = parseLogLine(raw);
    if (line.text === "" || line.text.startsWith(EXPECTED)) return;
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    this.#sink(line);
  }
}
