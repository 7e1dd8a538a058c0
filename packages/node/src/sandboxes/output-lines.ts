import type { Readable } from "node:stream";

/** The rest of a longer line is left out, characters. */
const MAX_LINE = 4096;

/** Hands on what a sandbox writes, line by line. A line that never ends takes no memory. */
export function readLines(output: Readable, onLine: (line: string) => void): void {
  let rest = "";
  output.setEncoding("utf8");
  output.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (const line of lines) onLine(line.slice(0, MAX_LINE).trimEnd());
  });
  output.on("end", () => {
    if (rest !== "") onLine(rest);
  });
  // A pipe that breaks has nothing more to say.
  output.on("error", () => undefined);
}
