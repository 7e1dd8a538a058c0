import { dirname, join } from "node:path";
import type { NexError } from "@nex/protocol";
import { lineOf, sourceError, type SourcePlace } from "./source-error.ts";
import { mapPosition } from "./source-map.ts";

const HOW = "Export the function: export default async (event, ctx) => { … };";

/** Refuses a module that has no default export, naming those it has. */
export function missingDefaultExport(file: string, text: string, exports: readonly string[]): NexError {
  const place = firstExport(file, text);
  const found =
    exports.length === 0 ? "It exports nothing." : `It exports ${exports.map((name) => `"${name}"`).join(", ")}.`;
  return sourceError(place, `the module has no default export. ${found} ${HOW}`, lineOf(text, place.line), { exports });
}

/** Refuses a default export that can be seen not to be a function. What cannot be seen is left to the runner. */
export function notAFunction(file: string, text: string, bundle: string): NexError | undefined {
  const found = evidentDefault(bundle);
  if (found === undefined) return undefined;
  const mapped = mapPosition(bundle, found.line, found.column);
  const place =
    mapped === undefined ? { file, line: 1, column: 1 } : { ...mapped, file: join(dirname(file), mapped.file) };
  // The excerpt is only at hand for the user's first file.
  const lineText = place.file === file ? lineOf(text, place.line) : undefined;
  return sourceError(place, `the default export is ${found.type}, not a function. ${HOW}`, lineText);
}

function firstExport(file: string, text: string): SourcePlace {
  const index = Math.max(0, text.search(/^export\b/m));
  const line = text.slice(0, index).split("\n").length;
  return { file, line, column: 1 };
}

interface EvidentDefault {
  readonly type: string;
  readonly line: number;
  readonly column: number;
}

/** Values in esbuild's own layout of code: one statement on its line, an object from `{` to the next `}` in column 1. */
const EVIDENT: readonly (readonly [RegExp, string])[] = [
  [/^"(?:[^"\\]|\\.)*";$/m, "a string"],
  [/^`[^`$\\]*`;$/m, "a string"],
  [/^-?\d[\w.]*;$/m, "a number"],
  [/^(?:true|false);$/m, "a boolean"],
  [/^null;$/m, "null"],
  [/^(?:void 0|undefined);$/m, "undefined"],
  [/^\{[^\n{}]*\};$/m, "an object"],
  [/^\{\n(?:(?!\}).*\n)*\};$/m, "an object"],
  [/^\[[^\n[\]]*\];$/m, "an array"],
  [/^\[\n(?:(?!\]).*\n)*\];$/m, "an array"],
];

function evidentDefault(bundle: string): EvidentDefault | undefined {
  const exports = [...bundle.matchAll(/^export \{\n([^}]*)\n\};$/gm)].at(-1)?.[1];
  const name = /^ {2}(\S+) as default,?$/m.exec(exports ?? "")?.[1];
  if (name === undefined) return undefined;
  const quoted = RegExp.escape(name);
  const declared = new RegExp(
    `^(?:var|let|const) ${quoted} = |^class ${quoted}\\b|^var ${quoted} = class\\b`,
    "m",
  ).exec(bundle);
  if (declared === null) return undefined;
  const value = bundle.slice(declared.index + declared[0].length);
  const type =
    declared[0].includes("class") || value.startsWith("class")
      ? "a class"
      : EVIDENT.find(([pattern]) => value.search(pattern) === 0)?.[1];
  if (type === undefined) return undefined;
  const column = declared[0].startsWith("class") ? 1 : declared[0].length + 1;
  return { type, line: bundle.slice(0, declared.index).split("\n").length, column };
}
