/**
 * Characters that act on a terminal instead of showing: C0 and C1 controls (ESC and the one-byte CSI among
 * them), line and paragraph separators, and the marks that turn the direction of text around.
 */
const ACTING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const ACTING_BUT_LINES = /(?!\r?\n|\t)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** A text from anywhere, made safe to show on one line: what would act on the terminal is written as `\u001b`. */
export function printable(text: string): string {
  return text.toWellFormed().replace(ACTING, escape);
}

/** The same for text of several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.toWellFormed().replace(ACTING_BUT_LINES, escape);
}

/**
 * JSON that is safe on a terminal too: `JSON.stringify` escapes C0 controls, but leaves C1 and direction
 * marks as they are. The value stays the same.
 */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(ACTING, (character) =>
    character === "\n" ? character : escape(character),
  );
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
