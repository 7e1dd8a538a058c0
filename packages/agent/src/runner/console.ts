import { format } from "node:util";
import type { FunctionLog } from "@nex/functions";
import type { LogLevel } from "@nex/protocol";
import type { LogBatcher } from "../logs/log-batcher.ts";
import { currentInvocation } from "./invocation.ts";

/** How each method of the console is graded. Those not listed keep writing to standard output or error. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  trace: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  error: "error",
  dir: "info",
};

/** Makes `console.*` write log records that carry the id of the invocation they belong to. */
export function captureConsole(logs: LogBatcher, target: Console = console): void {
  for (const [method, level] of Object.entries(LEVELS)) {
    Object.defineProperty(target, method, {
      value: (...parts: unknown[]) => writeLog(logs, level, parts),
      writable: true,
      configurable: true,
    });
  }
}

export function functionLog(logs: LogBatcher): FunctionLog {
  return {
    debug: (...parts) => writeLog(logs, "debug", parts),
    info: (...parts) => writeLog(logs, "info", parts),
    warn: (...parts) => writeLog(logs, "warn", parts),
    error: (...parts) => writeLog(logs, "error", parts),
  };
}

function writeLog(logs: LogBatcher, level: LogLevel, parts: readonly unknown[]): void {
  logs.add(level, "console", readableStack(format(...parts)), currentInvocation.getStore()?.invocationId);
}

/** The name under which the function's source was loaded is ours; a reader knows the file without it. */
export const FUNCTION_URL_PREFIX = "nex:///";

/** The stack of anything thrown, which may be an object that refuses to be read. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    const stack = typeof thrown === "object" && thrown !== null ? (thrown as Error).stack : undefined;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined;
  }
}

/** A stack as the function's author wants it: their files by name, and none of the runner's own frames. */
export function readableStack(text: string): string {
  if (!text.includes("\n    at ")) return text.replaceAll(FUNCTION_URL_PREFIX, "");
  const runnerFile = process.argv[1] ?? "";
  const lines = text
    .split("\n")
    .filter((line) => !(line.startsWith("    at ") && (line.includes(runnerFile) || /[ (]node:internal/.test(line))));
  return lines.join("\n").replaceAll(FUNCTION_URL_PREFIX, "");
}
