import { Script } from "node:vm";
import type { BlockingClient } from "@nex/host-services/guest";
import type { LoadOrder } from "@nex/link";
import { NexError } from "@nex/protocol";
import { FUNCTION_URL_PREFIX } from "../console.ts";
import type { LoadedFunction } from "../loaded-function.ts";
import { loadModuleForm } from "./module-form.ts";
import { loadScriptForm } from "./script-form.ts";
import { loadFailure } from "./source-position.ts";
import type { WasmFormOptions } from "./wasm-form.ts";

/** What the forms need of their runner, besides the source. */
interface FormOptions extends WasmFormOptions {
  /** For forms that wait for host services without an event loop. */
  readonly services: BlockingClient;
}

/**
 * Makes a function of its source. JavaScript that compiles as a classic script is the script form of 0.2.7; a
 * module's `import` and `export` do not.
 * @throws NexError `invalid_artifact`
 */
export async function loadFunction(
  order: LoadOrder,
  source: Buffer<ArrayBuffer>,
  options: FormOptions,
): Promise<LoadedFunction> {
  if (order.kind === "wasm") {
    // Loaded here: runners of JavaScript, which are most, need not hold it.
    const { loadWasmForm } = await import("./wasm-form.ts");
    return await loadWasmForm(order, source, options);
  }
  const text = decodeSource(source);
  const url = `${FUNCTION_URL_PREFIX}${order.name}.js`;
  try {
    const script = compileScript(text, url);
    return script === undefined
      ? await loadModuleForm(order, text, url)
      : loadScriptForm(script, options.services, order.memory_bytes);
  } catch (thrown) {
    throw loadFailure(thrown);
  }
}

function decodeSource(source: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(source);
  } catch (cause) {
    throw new NexError(
      "invalid_artifact",
      "The source is not UTF-8 text. If it is a program or a WebAssembly module, deploy it as that kind.",
      { cause },
    );
  }
}

function compileScript(text: string, url: string): Script | undefined {
  try {
    return new Script(text, { filename: url });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
