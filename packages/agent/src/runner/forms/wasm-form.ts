import type { EncodedReply } from "@nex/functions/internal";
import type { LoadOrder, TriggerMessage } from "@nex/link";
import { NexError } from "@nex/protocol";
import type { LogBatcher } from "../../logs/log-batcher.ts";
import type { Invocation } from "../invocation.ts";
import type { LoadedFunction } from "../loaded-function.ts";
import { StringList } from "../wasi/string-list.ts";
import { WasiProcess } from "../wasi/wasi-process.ts";
import { type CompiledModule, compileModule } from "../wasm/compile-module.ts";
import { WebAssembly, type WasmExports } from "../wasm/engine.ts";
import { exitFailure, STACK_FRAMES, trapFailure } from "../wasm/guest-failure.ts";
import { importsFor } from "../wasm/import-modules.ts";
import { Reclaimer } from "../wasm/reclaimer.ts";

/** What a guest's own memory may grow to unless the deploy says otherwise. */
const DEFAULT_MEMORY_BYTES = 128 * 1024 * 1024;

/** What 0.2.7 passes as a command's name. */
const PROGRAM_NAME = "nexfunction";

export interface WasmFormOptions {
  readonly logs: LogBatcher;
  /** Largest reply, bytes. */
  readonly maxReply: number;
}

/**
 * WebAssembly: a command of WASI preview 1, compiled once, with a fresh instance for each invocation. The subject
 * is its argument, the payload its stdin, all it writes to stdout the reply, each line of stderr a log record.
 * @throws NexError `invalid_artifact`
 */
export async function loadWasmForm(
  order: LoadOrder,
  source: Buffer<ArrayBuffer>,
  options: WasmFormOptions,
): Promise<LoadedFunction> {
  // The whole process is this function's.
  Error.stackTraceLimit = STACK_FRAMES;
  const memoryBytes = order.memory_bytes ?? DEFAULT_MEMORY_BYTES;
  const loaded = new WasmFunction(await compileModule(source, memoryBytes), order.env, { ...options, memoryBytes });
  loaded.tryInstantiate();
  return loaded;
}

class WasmFunction implements LoadedFunction {
  /** A command is synchronous: while it runs, the event loop stands still, and a second one could only wait in line. */
  readonly concurrency = "one";
  readonly #compiled: CompiledModule;
  readonly #environment: StringList;
  readonly #options: WasmFormOptions & { readonly memoryBytes: number };
  readonly #reclaimer: Reclaimer = new Reclaimer();

  constructor(
    compiled: CompiledModule,
    env: LoadOrder["env"],
    options: WasmFormOptions & { readonly memoryBytes: number },
  ) {
    this.#compiled = compiled;
    this.#environment = new StringList(Object.entries(env).map(([name, value]) => `${name}=${value}`));
    this.#options = options;
  }

  /**
   * Finds what only instantiation shows, such as data that does not fit into the memory. Not for modules that run
   * code of their own at that point: nobody has triggered them yet.
   * @throws NexError `invalid_artifact`
   */
  tryInstantiate(): void {
    if (this.#compiled.hasStart) return;
    try {
      this.#instantiate(this.#newProcess("", new Uint8Array(0), () => undefined));
    } catch (cause) {
      throw new NexError("invalid_artifact", `The module cannot be instantiated: ${(cause as Error).message}.`, {
        cause,
      });
    }
  }

  invoke(message: TriggerMessage, invocation: Invocation): EncodedReply {
    const process = this.#newProcess(message.subject, message.payload, (line) =>
      this.#options.logs.add("info", "stderr", line, invocation.invocationId),
    );
    try {
      const { _start: start } = this.#instantiate(process);
      (start as () => void)();
    } catch (thrown) {
      // A guest that ended itself is unwound by a throw of ours.
      if (process.exitCode === undefined && !process.outputTooLarge) throw trapFailure(thrown, this.#compiled.shift);
    } finally {
      process.end();
      // What was used by an instance that ended in its start section nobody can tell.
      this.#reclaimer.release(process.memory.isKnown ? process.memory.size : this.#options.memoryBytes);
    }
    if (process.outputTooLarge) {
      throw new NexError(
        "reply_too_large",
        `The function wrote more than ${this.#options.maxReply} bytes to stdout; the NATS server carries no more in one message.`,
      );
    }
    if (process.exitCode !== undefined && process.exitCode !== 0) throw exitFailure(process.exitCode);
    return { payload: process.output };
  }

  #newProcess(subject: string, stdin: Uint8Array, onErrorLine: (line: string) => void): WasiProcess {
    return new WasiProcess({
      args: [PROGRAM_NAME, subject],
      environment: this.#environment,
      stdin,
      maxOutput: this.#options.maxReply,
      onErrorLine,
    });
  }

  #instantiate(process: WasiProcess): WasmExports {
    const { exports } = new WebAssembly.Instance(this.#compiled.module, importsFor(process));
    if (exports["memory"] instanceof WebAssembly.Memory) process.memory.attach(exports["memory"]);
    return exports;
  }
}
