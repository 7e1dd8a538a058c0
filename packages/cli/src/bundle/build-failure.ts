import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, resolve } from "node:path";
import type { BuildFailure, Location, Message } from "esbuild";
import { NexError } from "@nex/protocol";
import { sourceError, type SourcePlace } from "./source-error.ts";

/** True for what esbuild throws about the source, as opposed to about itself. */
export function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}

/** The first fault esbuild found, with its place in the user's file, and how many more there are. */
export function buildFailure(failure: BuildFailure, file: string): NexError {
  const [first, ...others] = failure.errors;
  if (first === undefined)
    return new NexError("invalid_artifact", `${file} cannot be bundled: ${failure.message}`, {
      data: { file },
      cause: failure,
    });
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  const { location } = first;
  const what = `${explain(first, file)}${more}`;
  if (location === null) return sourceError({ file, line: 1, column: 1 }, what);
  return sourceError(placeOf(location, file), what, location.lineText);
}

/** A warning on one line. */
export function warningText({ text, location }: Message, file: string): string {
  if (location === null) return text;
  const place = placeOf(location, file);
  return `${place.file}:${place.line}:${place.column}: ${text}`;
}

/** esbuild names files relative to the directory of the user's file, and counts columns in bytes from 0. */
function placeOf({ file: relative, line, column, lineText }: Location, file: string): SourcePlace {
  const before = Buffer.from(lineText).subarray(0, column).toString();
  return { file: join(dirname(file), relative), line, column: before.length + 1 };
}

function explain({ text, location }: Message, file: string): string {
  const specifier = /^Could not resolve "(.+)"$/.exec(text)?.[1];
  if (specifier !== undefined) return explainImport(specifier, location?.file ?? "", file);
  if (text.startsWith('No loader is configured for ".node"'))
    return "native add-ons (.node) cannot be part of a function: it runs in a sandbox as one module.";
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function explainImport(specifier: string, importer: string, file: string): string {
  if (/^[./]/.test(specifier)) return `the imported file "${specifier}" does not exist.`;
  if (specifier.startsWith("#"))
    return `the import "${specifier}" is not in the "imports" of the nearest package.json.`;
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (builtinModules.includes(name)) return `Node has no module "${specifier}".`;
  const directory = packageDirectory(resolve(dirname(file), dirname(importer)));
  if (existsSync(join(directory, "node_modules", name)))
    return `the package "${name}" is installed but has no "${specifier}".`;
  return `the package "${name}" is not installed. Run "npm install ${name}" in ${directory}`;
}

/** Where `npm install` would put a package for code in `start`: the nearest directory with a package.json. */
function packageDirectory(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "package.json"))) return directory;
    if (directory === dirname(directory)) return start;
  }
}
