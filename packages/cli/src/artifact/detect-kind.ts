import { closeSync, openSync, readSync } from "node:fs";
import { extname } from "node:path";
import { NexError, type WorkloadKind } from "@nex/protocol";
import { isFunctionFile } from "../bundle/source-file.ts";
import { reasonOf } from "../connection/context-file.ts";

const MAGICS: readonly (readonly [bytes: string, kind: WorkloadKind])[] = [
  ["7f454c46", "elf"],
  ["0061736d", "wasm"],
];

/** Files people mistake for workloads, by their first bytes, and what to do instead. */
const LOOKALIKES: readonly (readonly [bytes: string, what: string])[] = [
  [
    "4d5a",
    "a Windows program. Services run on Linux: build it for Linux, as a static 64-bit ELF binary (in Go: GOOS=linux CGO_ENABLED=0)",
  ],
  [
    "cffaedfe",
    "a macOS program. Services run on Linux: build it for Linux, as a static 64-bit ELF binary (in Go: GOOS=linux CGO_ENABLED=0)",
  ],
  ["cafebabe", "a macOS program or a Java class. Services are static 64-bit ELF binaries for Linux"],
  ["2321", "a script with a #! line. Services are static 64-bit ELF binaries; functions are .ts, .js or .wasm files"],
  ["1f8b", "compressed. Unpack it first"],
  ["504b0304", "an archive. Unpack it first"],
];

const LONGEST_MAGIC = 4;

/**
 * What kind of workload a file is: by its first bytes, and for JavaScript and TypeScript by its name.
 * @throws NexError `file_not_found`, `invalid_artifact`
 */
export function detectKind(file: string): WorkloadKind {
  const head = firstBytes(file);
  const known = MAGICS.find(([bytes]) => head.startsWith(bytes));
  if (known !== undefined) return known[1];
  if (isFunctionFile(file)) return "javascript";
  const data = { file };
  if (head === "") throw new NexError("invalid_artifact", `${file} is empty.`, { data });
  const lookalike = LOOKALIKES.find(([bytes]) => head.startsWith(bytes));
  if (lookalike !== undefined) throw new NexError("invalid_artifact", `${file} is ${lookalike[1]}.`, { data });
  if (extname(file) === ".wat")
    throw new NexError("invalid_artifact", `${file} is WebAssembly text. Make a module of it first: wat2wasm ${file}`, {
      data,
    });
  throw new NexError(
    "invalid_artifact",
    `Cannot tell what ${file} is: neither an ELF binary, a WebAssembly module, nor a .ts or .js file. If you know, say it: --type elf, javascript or wasm.`,
    { data },
  );
}

function firstBytes(file: string): string {
  try {
    const descriptor = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(LONGEST_MAGIC);
      return buffer.subarray(0, readSync(descriptor, buffer)).toString("hex");
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EISDIR") {
      throw new NexError("invalid_artifact", `${file} is a directory. Name the file to run.`, {
        cause: error,
        data: { file },
      });
    }
    throw new NexError("file_not_found", `${file} cannot be read (${reasonOf(error)}).`, {
      cause: error,
      data: { file },
    });
  }
}
