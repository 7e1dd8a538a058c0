import { printable } from "./printable.ts";
import { paint, type Style, type TerminalOutput } from "./terminal.ts";
import { displayWidth, padEnd, padStart, truncate } from "./width.ts";

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
  /** Default left. Numbers read best to the right. */
  readonly align?: "left" | "right";
  /** Style of a cell on a colour terminal. */
  readonly style?: (row: Row) => Style | undefined;
}

const GAP = "  ";

/** A column is not made narrower than this to fit the window: past it nothing useful is left. */
const MIN_WIDTH = 8;

/**
 * Rows under their titles, aligned, one line each. On a terminal, cells are cut so that a row fits the window;
 * elsewhere everything is there in full, for the program that reads it.
 */
export function table<Row>(output: TerminalOutput, rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => printable(String(column.value(row)))));
  const wanted = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...cells.map((row) => displayWidth(row[index]!))),
  );
  const widths = output.isTTY ? fit(wanted, output.columns) : wanted;
  const lay = (text: string, index: number): string => {
    const shown = truncate(text, widths[index]!);
    if (columns[index]!.align === "right") return padStart(shown, widths[index]!);
    // No blanks after the last column.
    return index === columns.length - 1 ? shown : padEnd(shown, widths[index]!);
  };
  const lines = [columns.map((column, index) => paint(output, "bold", lay(column.title, index))).join(GAP)];
  for (const [number, row] of cells.entries()) {
    const laid = row.map((text, index) => {
      const style = columns[index]!.style?.(rows[number]!);
      return style === undefined ? lay(text, index) : paint(output, style, lay(text, index));
    });
    lines.push(laid.join(GAP).trimEnd());
  }
  return lines.join("\n");
}

function fit(wanted: readonly number[], columns: number): number[] {
  const widths = [...wanted];
  const room = columns - GAP.length * (widths.length - 1);
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= MIN_WIDTH) break;
    widths[widest]!--;
  }
  return widths;
}
