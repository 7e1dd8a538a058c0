import type { EncodedReply } from "@nex/functions/internal";
import { type ServiceClient, WasmGuest } from "@nex/host-services/guest";
import type { LoadOrder, TriggerMessage } from "@nex/link";
import { NexError } from "@nex/protocol";
import type { LogBatcher } from "../../logs/log-batcher.ts";
import type { Invocation } from "../invocation.ts";
import type { LoadedFunction } from "../loaded-function.ts";
import { StringList } from "../wasi/string-list.ts";
import { WasiProcess } from "../wasi/wasi-process.ts";
import { type CompiledModule, compileModule } from "../wasm/compile-module.ts";
import { WebAssembly } from "../wasm/engine.ts";
import { exitFailure, STACK_FRAMES, trapFailure } from "../wasm/guest-failure.ts";
import { type ImportScope, ModuleImports } from "../wasm/import-modules.ts";
import { Memories } from "../wasm/memories.ts";

/** What a guest's own memory may grow to unless the deploy says otherwise. */
const DEFAULT_MEMORY_BYTES = 128 * 1024 * 1024;

/** What 0.2.7 passes as a command's name. */
const PROGRAM_NAME = "nexfunction";

export interface WasmFormOptions {
  readonly logs: LogBatcher;
  /** Largest reply, bytes. */
  readonly maxReply: number;
  readonly client: ServiceClient;
}

/**
 * WebAssembly: a command of WASI preview 1, compiled once, with a fresh instance for each invocation. The subject
 * is its argument, the payload its stdin, all it writes to stdout the reply, each line of stderr a log record.
 * A module that imports host services is suspended while it waits for them; others run to their end at a stretch.
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
  const loaded = new WasmFunction(await compileModule(source, memoryBytes), order.env, options);
  loaded.tryInstantiate();
  return loaded;
}

class WasmFunction implements LoadedFunction {
  /** While a command runs, the event loop stands still; while one waits, its memory is in use. Others wait in line. */
  readonly concurrency = "one";
  readonly #compiled: CompiledModule;
  readonly #imports: ModuleImports;
  readonly #environment: StringList;
  readonly #options: WasmFormOptions;
  readonly #memories: Memories | undefined;

  constructor(compiled: CompiledModule, env: LoadOrder["env"], options: WasmFormOptions) {
    this.#compiled = compiled;
    this.#memories = compiled.memory === undefined ? undefined : new Memories(compiled.memory);
    this.#imports = new ModuleImports(compiled.module);
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
    const process = this.#newProcess("", new Uint8Array(0), () => undefined);
    try {
      this.#instantiate({ process });
      this.#end(process);
    } catch (cause) {
      throw new NexError("invalid_artifact", `The module cannot be instantiated: ${(cause as Error).message}.`, {
        cause,
      });
    }
  }

  invoke(message: TriggerMessage, invocation: Invocation): EncodedReply | Promise<EncodedReply> {
    const process = this.#newProcess(message.subject, message.payload, (line) =>
      this.#options.logs.add("info", "stderr", line, invocation.invocationId),
    );
    if (this.#imports.hasHostServices) return this.#runSuspending(process, invocation.signal);
    try {
      this.#instantiate({ process })();
    } catch (thrown) {
      this.#checkThrown(thrown, process);
    } finally {
      this.#end(process);
    }
    return this.#outcome(process);
  }

  async #runSuspending(process: WasiProcess, signal: AbortSignal): Promise<EncodedReply> {
    using guest = new WasmGuest({ client: this.#options.client, memory: process.memory, signal });
    try {
      await WebAssembly.promising(this.#instantiate({ process, guest }))();
    } catch (thrown) {
      this.#checkThrown(thrown, process);
    } finally {
      this.#end(process);
    }
    return this.#outcome(process);
  }

  /** @throws NexError unless it was a throw of ours that unwound a guest that ended itself */
  #checkThrown(thrown: unknown, process: WasiProcess): void {
    if (process.exitCode === undefined && !process.outputTooLarge) throw trapFailure(thrown, this.#compiled.shift);
  }

  #end(process: WasiProcess): void {
    process.end();
    const memory = process.memory.detach();
    if (memory !== undefined) this.#memories?.giveBack(memory);
  }

  #outcome(process: WasiProcess): EncodedReply {
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

  /** A fresh instance; what starts it. */
  #instantiate(scope: ImportScope): () => void {
    const memory = this.#memories?.take();
    if (memory !== undefined) scope.process.memory.attach(memory);
    const { exports } = new WebAssembly.Instance(this.#compiled.module, this.#imports.bind(scope, memory));
    return exports["_start"] as () => void;
  }
}
