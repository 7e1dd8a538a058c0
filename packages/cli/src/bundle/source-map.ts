import { SourceMap } from "node:module";
import type { SourcePlace } from "./source-error.ts";

const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json(?:;charset=[\w-]+)?;base64,([A-Za-z0-9+/=]+)\s*$/;

/**
 * The place in the user's file behind a place in a bundle.
 * @param source a bundle that ends in an inline source map
 * @param line counted from 1, as in a stack trace
 * @param column counted from 1
 * @returns file relative to the directory of the bundled file; `undefined` without a map, or for code of the bundler
 */
export function mapPosition(source: string, line: number, column: number): SourcePlace | undefined {
  const encoded = INLINE_MAP.exec(source)?.[1];
  if (encoded === undefined) return undefined;
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
  const entry = map.findEntry(line - 1, column - 1);
  // The entry found is the last one before the place; on another line it has nothing to do with it.
  if (!("originalSource" in entry) || entry.originalSource === undefined || entry.generatedLine !== line - 1)
    return undefined;
  return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}
