import { clearLine, cursorTo } from "node:readline";

/** Says on a terminal, in a line that is overwritten, what goes on. Elsewhere nothing. */
export function showProgress(text: string): void {
  const { stderr } = process;
  if (!stderr.isTTY) return;
  cursorTo(stderr, 0);
  clearLine(stderr, 0);
  stderr.write(text.slice(0, stderr.columns - 1));
}
