import { LineSplitter } from "../../logs/line-splitter.ts";
import { Descriptors, inputStream, outputStream } from "./descriptors.ts";
import { GuestMemory } from "./guest-memory.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { StringList } from "./string-list.ts";

export interface WasiProcessOptions {
  readonly args: readonly string[];
  /** `NAME=value` each. Prepared by the caller, because it is the same for all invocations. */
  readonly environment: StringList;
  readonly stdin: Uint8Array;
  /** Bytes the guest may write to stdout. */
  readonly maxOutput: number;
  /** Called for each line of stderr. */
  readonly onErrorLine: (line: string) => void;
}

/** Unwinds a guest that ended itself, or was ended for what it did. Made once: nobody reads its stack. */
const GUEST_ENDED: Error = new Error("The guest has ended.");

/** What a guest of WASI preview 1 sees as its process, and what becomes of it. Good for one instance. */
export class WasiProcess {
  readonly memory: GuestMemory = new GuestMemory();
  readonly args: StringList;
  readonly environment: StringList;
  readonly descriptors: Descriptors;
  readonly #output: OutputBuffer;
  readonly #onErrorLine: (line: string) => void;
  #errorLines: LineSplitter | undefined;
  #exitCode: number | undefined;
  #outputTooLarge = false;

  constructor({ args, environment, stdin, maxOutput, onErrorLine }: WasiProcessOptions) {
    this.args = new StringList(args);
    this.environment = environment;
    this.#output = new OutputBuffer(maxOutput);
    this.#onErrorLine = onErrorLine;
    this.descriptors = new Descriptors(
      inputStream(stdin),
      outputStream((bytes) => this.#writeOutput(bytes)),
      outputStream((bytes) => this.#writeError(bytes)),
    );
  }

  /** As given to `proc_exit`; `undefined` if the guest did not call it. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** True if the guest was ended because it wrote more than it may. */
  get outputTooLarge(): boolean {
    return this.#outputTooLarge;
  }

  get output(): Buffer {
    return this.#output.content;
  }

  exit(code: number): never {
    // The first one counts: a guest's catch-all handler may swallow what unwinds it and go on.
    this.#exitCode ??= code >>> 0;
    throw GUEST_ENDED;
  }

  /** Hands on what there is of an unfinished last line. */
  end(): void {
    this.#errorLines?.end();
  }

  #writeOutput(bytes: Uint8Array): void {
    if (!this.#outputTooLarge && this.#output.append(bytes)) return;
    this.#outputTooLarge = true;
    throw GUEST_ENDED;
  }

  #writeError(bytes: Uint8Array): void {
    this.#errorLines ??= new LineSplitter(this.#onErrorLine);
    this.#errorLines.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }
}
