import { stripVTControlCharacters } from "node:util";
import { RateLimit } from "@nex/system";

/** What reaches the node of a console. A guest that writes without end costs no more than this. */
const LINES_PER_SECOND = 20;
const LINES_AT_ONCE = 200;

const PANIC = /Kernel panic - not syncing: (.*)/;
const OUT_OF_MEMORY = /Out of memory: Killed process/;

/** Reads a machine's serial console: hands its lines on, and knows what a kernel says in distress. */
export class MachineConsole {
  readonly #onLine: (line: string) => void;
  readonly #limit: RateLimit = new RateLimit(LINES_PER_SECOND, LINES_AT_ONCE);
  #dropped = 0;
  #panic: string | undefined;
  #oomKills = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** What the kernel said when it gave up. */
  get panic(): string | undefined {
    return this.#panic;
  }

  /** Processes that the kernel has ended for want of memory. */
  get oomKills(): number {
    return this.#oomKills;
  }

  readonly take = (text: string): void => {
    const line = stripVTControlCharacters(text)
      .replace(/\p{Cc}/gu, "")
      .trimEnd();
    if (line === "") return;
    this.#panic ??= PANIC.exec(line)?.[1]?.slice(0, 200);
    if (OUT_OF_MEMORY.test(line)) this.#oomKills++;
    if (!this.#limit.take()) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) this.#onLine(`… ${this.#dropped} lines of the console were left out.`);
    this.#dropped = 0;
    this.#onLine(line);
  };
}
