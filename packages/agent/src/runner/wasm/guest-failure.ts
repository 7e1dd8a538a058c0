import { isNexError, NexError } from "@nex/protocol";
import { WebAssembly } from "./engine.ts";

/** Frames of a stack that are kept: a panic handler takes ten before the code of interest. */
export const STACK_FRAMES = 64;

/** The guest ended itself with a code that is not 0. */
export function exitFailure(code: number): NexError {
  return withStack(
    new NexError("function_failed", `The function exited with code ${code}.`, { data: { exit_code: code } }),
    [],
  );
}

/**
 * What a WebAssembly function was ended by, with the guest's part of the stack.
 * @param shift of offsets in the code that runs against those in the author's file
 */
export function trapFailure(thrown: unknown, shift: number): NexError {
  const frames = stackOf(thrown).flatMap((line) => readFrame(line, shift) ?? []);
  // Of host services: says by itself what ended the guest.
  if (isNexError(thrown)) return withStack(thrown, frames);
  return withStack(new NexError("function_failed", `The function ${describe(thrown)}.`, { cause: thrown }), frames);
}

function describe(thrown: unknown): string {
  // Of the engine's kinds of error, in their places: out of stack, a trap, a module that cannot be instantiated.
  if (thrown instanceof RangeError && thrown.message.includes("call stack")) return "trapped: stack overflow";
  if (thrown instanceof WebAssembly.RuntimeError) return `trapped: ${thrown.message}`;
  if (thrown instanceof WebAssembly.LinkError) return `could not be started: ${thrown.message}`;
  if (thrown instanceof Error && thrown.name === "SuspendError")
    return "called a host service before its _start function was: a start section cannot wait";
  if (thrown instanceof WebAssembly.Exception) return "threw an exception that it did not catch";
  return `failed: ${thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)}`;
}

function stackOf(thrown: unknown): readonly string[] {
  const stack = typeof thrown === "object" && thrown !== null ? (thrown as Error).stack : undefined;
  return typeof stack === "string" ? stack.split("\n") : [];
}

/** `at name (wasm://wasm/module-1a2b:wasm-function[7]:0x1f3)` as `at name (wasm-function[7]:0x1f0)`; others are not the guest's. */
function readFrame(line: string, shift: number): string | undefined {
  const found = /^ {4}at (?:(.*) \()?wasm:\/\/.*:wasm-function\[(\d+)\]:0x([0-9a-f]+)\)?$/.exec(line);
  if (found === null) return undefined;
  const [, name, index, offset] = found;
  const place = `wasm-function[${index}]:0x${(Number.parseInt(offset!, 16) - shift).toString(16)}`;
  return name === undefined ? `    at ${place}` : `    at ${name} (${place})`;
}

function withStack(error: NexError, frames: readonly string[]): NexError {
  error.stack = [error.message, ...frames].join("\n");
  return error;
}
