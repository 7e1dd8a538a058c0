import { Readable } from "node:stream";
import type { Environment } from "../../src/terminal/environment.ts";
import type { Terminal, TerminalOutput } from "../../src/terminal/terminal.ts";

export interface MemoryOutput extends TerminalOutput {
  text(): string;
}

export interface MemoryTerminal extends Terminal {
  readonly stdout: MemoryOutput;
  readonly stderr: MemoryOutput;
}

export interface MemoryTerminalOptions {
  readonly isTTY?: boolean;
  readonly color?: boolean;
  readonly columns?: number;
  readonly env?: Environment;
}

/** A terminal that keeps what is written to it. Not a TTY, without colour, 80 columns unless told otherwise. */
export function memoryTerminal(options: MemoryTerminalOptions = {}): MemoryTerminal {
  return {
    stdin: Readable.from([]),
    stdout: memoryOutput(options),
    stderr: memoryOutput(options),
    env: options.env ?? {},
  };
}

export function memoryOutput({ isTTY = false, color = false, columns = 80 }: MemoryTerminalOptions = {}): MemoryOutput {
  const parts: Buffer[] = [];
  return {
    isTTY,
    color,
    columns,
    write: (data) => void parts.push(Buffer.from(data)),
    text: () => Buffer.concat(parts).toString(),
  };
}
