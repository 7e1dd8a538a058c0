import type { Command as Parser } from "commander";
import { paint, type Terminal } from "./terminal/terminal.ts";

/** Help goes to stdout, in the reader's width and colours. What goes wrong is told by us, so the parser keeps quiet. */
export function configureHelp(program: Parser, terminal: Terminal): void {
  const { stdout } = terminal;
  program
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: () => undefined,
      getOutHasColors: () => stdout.color,
      getOutHelpWidth: () => stdout.columns,
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (text) => paint(stdout, "bold", text),
    });
}

export function examplesText(examples: readonly (readonly [line: string, does: string])[]): string {
  return `\nExamples:\n${examples.map(([line, does]) => `  # ${does}\n  nex ${line}`).join("\n")}`;
}
