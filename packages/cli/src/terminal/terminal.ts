import type { Readable } from "node:stream";
import { styleText } from "node:util";
import { wantsColor } from "./color.ts";
import type { Environment } from "./environment.ts";

export type Style = Parameters<typeof styleText>[0];

/** One of the two outputs, with what is known about who reads it. */
export interface TerminalOutput {
  readonly isTTY: boolean;
  /** True if the reader wants colour. */
  readonly color: boolean;
  /** Width in cells; 80 if unknown. */
  readonly columns: number;
  write(data: string | Uint8Array): void;
}

/** All that the CLI touches of its surroundings to talk with people and programs. Tests pass one of their own. */
export interface Terminal {
  readonly stdin: Readable;
  /** Data. */
  readonly stdout: TerminalOutput;
  /** Talk: errors, warnings, progress. */
  readonly stderr: TerminalOutput;
  readonly env: Environment;
}

/** Styles a text for an output; unchanged if its reader wants no colour. */
export function paint(output: TerminalOutput, style: Style, text: string): string {
  // The decision was made once, by `wantsColor`; styleText must not make its own about another stream.
  return output.color ? styleText(style, text, { validateStream: false }) : text;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    get stdin() {
      // A getter, because touching the stream opens it, and most commands never read.
      return process.stdin;
    },
    stdout: streamOutput(process.stdout),
    stderr: streamOutput(process.stderr),
    env: process.env,
  };
}

const DEFAULT_COLUMNS = 80;

function streamOutput(stream: NodeJS.WriteStream): TerminalOutput {
  const isTTY = stream.isTTY === true;
  return {
    isTTY,
    color: wantsColor(process.env, isTTY),
    get columns() {
      // Read each time: windows are resized.
      const fixed = Number(process.env["COLUMNS"]);
      if (Number.isSafeInteger(fixed) && fixed > 0) return fixed;
      return stream.columns > 0 ? stream.columns : DEFAULT_COLUMNS;
    },
    write: (data) => void stream.write(data),
  };
}
