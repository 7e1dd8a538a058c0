import { NexError } from "@nex/protocol";

/** A place in a file the user wrote. `line` and `column` count from 1; columns in UTF-16 units, as editors do. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Of a line of minified code only this much is shown around the column. */
const SHOWN_WIDTH = 100;

/**
 * An `invalid_artifact` error that says where: `file:line:column: what`, the line, and a caret under the column.
 * The place is in `data` too.
 * @param lineText the line at fault; without it only the place is named
 */
export function sourceError(
  place: SourcePlace,
  what: string,
  lineText?: string,
  data: Readonly<Record<string, unknown>> = {},
): NexError {
  const { file, line, column } = place;
  const excerpt = lineText === undefined ? "" : `\n\n${sourceExcerpt(lineText, line, column)}`;
  return new NexError("invalid_artifact", `${file}:${line}:${column}: ${what}${excerpt}`, {
    data: { file, line, column, ...data },
  });
}

/** The line with its number, and below it a caret. */
export function sourceExcerpt(lineText: string, line: number, column: number): string {
  const start = column <= SHOWN_WIDTH ? 0 : column - SHOWN_WIDTH / 2;
  const shown = lineText.slice(start, start + SHOWN_WIDTH);
  const before = shown.slice(0, Math.max(0, column - 1 - start));
  const gutter = String(line);
  // Tabs stay, so that the caret stands under its character whatever a tab's width is.
  return `  ${gutter} | ${shown}\n  ${" ".repeat(gutter.length)} | ${before.replace(/[^\t]/gu, " ")}^`;
}

/** Line `line` of a text, counted from 1. */
export function lineOf(text: string, line: number): string | undefined {
  return text.split(/\r?\n/, line)[line - 1];
}
