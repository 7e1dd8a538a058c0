import { printable } from "./printable.ts";
import { paint, type TerminalOutput } from "./terminal.ts";
import { displayWidth, padEnd } from "./width.ts";

/** A key and what is known about it; a list takes a line for each item. `undefined` leaves the line out. */
export type BlockEntry = readonly [key: string, value: string | number | readonly string[] | undefined];

/** A title, and under it keys and values in two columns. */
export function block(output: TerminalOutput, title: string, entries: readonly BlockEntry[]): string {
  const shown = entries.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([key]) => displayWidth(key)));
  const lines = [paint(output, "bold", printable(title)), ""];
  for (const [key, value] of shown) {
    const values = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
    for (const [index, text] of (values.length === 0 ? ["-"] : values).entries()) {
      const label = padEnd(index === 0 ? `${key}:` : "", width + 1);
      lines.push(`  ${paint(output, "dim", label)} ${printable(text)}`);
    }
  }
  return lines.join("\n");
}
