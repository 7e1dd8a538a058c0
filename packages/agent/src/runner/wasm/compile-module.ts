import { NexError } from "@nex/protocol";
import { MalformedModule } from "./binary-reader.ts";
import { capModule, type CappedModule } from "./cap-module.ts";
import { checkCommand } from "./check-command.ts";
import { WebAssembly, type WasmModule } from "./engine.ts";
import { importMemory, type MemoryImport, type MemorySize } from "./import-memory.ts";

export interface CompiledModule extends Omit<CappedModule, "bytes"> {
  readonly module: WasmModule;
  /** What its instances have to be given. Absent: it has no memory. */
  readonly memory?: MemorySize;
}

const MAGIC = 0x0061736d;

/** Version and layer of a core module and of a component, little-endian. */
const CORE_VERSION = 0x0000_0001;
const COMPONENT_LAYER = 1;

/**
 * Checks, caps and compiles a WebAssembly command.
 * @throws NexError `invalid_artifact` naming what is wrong with it
 */
export async function compileModule(bytes: Buffer<ArrayBuffer>, memoryBytes: number): Promise<CompiledModule> {
  checkHeader(bytes);
  let capped: CappedModule;
  let imported: MemoryImport;
  try {
    capped = capModule(bytes, memoryBytes);
    imported = importMemory(capped.bytes);
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error;
    // Most likely the engine does not understand it either, and says better where.
    await compile(bytes);
    throw new NexError(
      "invalid_artifact",
      `The module's memories and tables cannot be bounded (${error.message}). Build it without proposals that change them.`,
      { cause: error },
    );
  }
  const { memory } = imported;
  let module: WasmModule;
  try {
    module = await compile(imported.bytes);
  } catch (error) {
    // The offsets people look for are those of their own file.
    await compile(bytes);
    throw error;
  }
  checkCommand(module, memory !== undefined);
  return {
    module,
    shift: capped.shift + imported.shift,
    hasStart: capped.hasStart,
    ...(memory === undefined ? {} : { memory }),
  };
}

function checkHeader(bytes: Buffer): void {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== MAGIC) {
    throw new NexError(
      "invalid_artifact",
      bytes.length === 0
        ? "The file is empty."
        : "The file is not a WebAssembly module: it does not begin with \\0asm.",
    );
  }
  if (bytes.readUInt16LE(6) === COMPONENT_LAYER) {
    throw new NexError(
      "invalid_artifact",
      "The file is a WebAssembly component; functions are core modules. Build it for WASI preview 1 (Rust: wasm32-wasip1), without wrapping it into a component.",
    );
  }
  if (bytes.readUInt32LE(4) !== CORE_VERSION) {
    throw new NexError(
      "invalid_artifact",
      `The module has version ${bytes.readUInt32LE(4)} of the WebAssembly format; version 1 is understood.`,
    );
  }
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const why = (cause as Error).message.replace(/^WebAssembly\.compile\(\): /, "");
    throw new NexError("invalid_artifact", `The WebAssembly module is corrupt: ${why}.`, { cause });
  }
}
