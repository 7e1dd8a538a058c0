import { readFileSync, statSync } from "node:fs";
import { extname } from "node:path";
import { formatSize, NexError } from "@nex/protocol";
import { reasonOf } from "../connection/context-file.ts";
import { sourceError } from "./source-error.ts";

/** The largest source an agent loads, bytes. */
const MAX_SOURCE_BYTES: number = 16 * 2 ** 20;

const EXTENSIONS: readonly string[] = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".jsx"];

export interface SourceFile {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly extension: string;
}

/** True for names of files that `bundleFunction` takes. */
export function isFunctionFile(file: string): boolean {
  return EXTENSIONS.includes(extname(file).toLowerCase());
}

/** @throws NexError `file_not_found`, `invalid_artifact`, `too_large` */
export function readSourceFile(file: string): SourceFile {
  if (!isFunctionFile(file)) {
    throw new NexError(
      "invalid_artifact",
      `${file} is not a JavaScript or TypeScript file: its name should end in one of ${EXTENSIONS.join(", ")}.`,
      { data: { file } },
    );
  }
  let bytes: Uint8Array;
  try {
    if (statSync(file).isDirectory()) {
      throw new NexError("invalid_artifact", `${file} is a directory. Name the file in it that exports the function.`, {
        data: { file },
      });
    }
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof NexError) throw error;
    throw new NexError("file_not_found", `${file} cannot be read (${reasonOf(error)}).`, {
      cause: error,
      data: { file },
    });
  }
  checkSize(file, bytes.byteLength);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new NexError("invalid_artifact", `${file} is not UTF-8 text.`, { cause, data: { file } });
  }
  if (text.trim() === "")
    throw sourceError(
      { file, line: 1, column: 1 },
      "the file is empty. A function is one default export: export default async (event, ctx) => { … };",
    );
  return { bytes, text, extension: extname(file).toLowerCase() };
}

/** @throws NexError `too_large` */
export function checkSize(file: string, bytes: number): void {
  if (bytes <= MAX_SOURCE_BYTES) return;
  throw new NexError(
    "too_large",
    `The source of ${file} has ${formatSize(bytes)}; a function may have ${formatSize(MAX_SOURCE_BYTES)}, what it imports included.`,
    {
      data: { file, bytes, max_bytes: MAX_SOURCE_BYTES },
    },
  );
}
