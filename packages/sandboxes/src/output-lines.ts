import type { Readable } from "node:stream";

/** The rest of a longer line is left out, characters. */
const MAX_LINE = 4096;

/** Lines taken of what comes at once. Of a flood the rest is left out, and no more is read for a moment, ms. */
const MAX_LINES = 256;
const PAUSE_MS = 10;

/** Hands on what a sandbox writes, line by line. A line that never ends takes no memory, a flood little time. */
export function readLines(output: Readable, onLine: (line: string) => void): void {
  let rest = "";
  output.setEncoding("utf8");
  output.on("data", (text: string) => {
    const lines = (rest + text).split("\n", MAX_LINES + 1);
    rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    if (lines.length === MAX_LINES) {
      rest = "";
      output.pause();
      setTimeout(() => output.resume(), PAUSE_MS).unref();
    }
    for (const line of lines) onLine(line.slice(0, MAX_LINE).trimEnd());
  });
  output.on("end", () => {
    if (rest !== "") onLine(rest);
  });
  // A pipe that breaks has nothing more to say.
  output.on("error", () => undefined);
}
