import { execFile } from "node:child_process";
import { link, rm } from "node:fs/promises";
import { NexError } from "@nex/protocol";

/** Where in a source something is wrong; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

const CHECK_TIMEOUT_MS = 10_000;

/** A source of one long line comes back with that line. */
const MAX_OUTPUT = 64 * 1024 * 1024;

const SYNTAX_ERROR = "The source has a syntax error";

/** @param what the parser's words, such as `SyntaxError: Unexpected token ';'` */
export function syntaxError(what: string, position?: SourcePosition): NexError {
  return new NexError("invalid_artifact", `${SYNTAX_ERROR}${formatPosition(position)}: ${what}`, {
    data: { syntax_error: what, ...position },
  });
}

/** ` at file:line:column`, as far as it is known. */
export function formatPosition(position: SourcePosition | undefined): string {
  if (position === undefined) return "";
  return ` at ${position.file}:${position.line}${position.column === undefined ? "" : `:${position.column}`}`;
}

/**
 * Adds the place to a syntax error that came without. An `import()` of a module does not tell where in it the
 * parser stopped; `node --check` does, and runs nothing of it.
 */
export async function withPosition(error: unknown, name: string, artifactPath: string): Promise<unknown> {
  if (!(error instanceof NexError)) return error;
  const { syntax_error: what, line } = error.data;
  if (typeof what !== "string" || line !== undefined) return error;
  const place = await checkSyntax(artifactPath);
  return place === undefined ? error : syntaxError(what, { file: `${name}.js`, ...place });
}

async function checkSyntax(path: string): Promise<{ line: number; column?: number } | undefined> {
  // Node tells a module by its name.
  const module = `${path}.mjs`;
  await link(path, module);
  try {
    // This process's program, even where its path is closed to this user.
    const node = process.platform === "linux" ? "/proc/self/exe" : process.execPath;
    const options = { env: {}, timeout: CHECK_TIMEOUT_MS, maxBuffer: MAX_OUTPUT };
    const output = await new Promise<string>((resolve) => {
      execFile(node, ["--check", module], options, (_, __, stderr) => resolve(stderr));
    });
    const found = /^.*:(\d+)\n(?:.*\n([ \t]*)\^)?/.exec(output);
    if (found === null) return undefined;
    return { line: Number(found[1]), ...(found[2] === undefined ? {} : { column: found[2].length + 1 }) };
  } finally {
    await rm(module, { force: true });
  }
}
