import { printable } from "./printable.ts";
import { paint, type TerminalOutput } from "./terminal.ts";
import { truncate } from "./width.ts";

/** What a long piece of work tells about itself. */
export interface ProgressReport {
  /** How much is done, and of how much if that is known. */
  update(done: number, total?: number): void;
}

/** Work that takes less needs no show: it would only flicker. */
const SHOW_AFTER_MS = 1000;
const FRAME_MS = 100;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const BAR_WIDTH = 24;
const CLEAR_LINE = "\r\u001b[2K";

/**
 * Runs `work` and, once it has taken a second, shows that it goes on: on a terminal a spinner, with a bar if the
 * total is known, that is gone when the work ends; elsewhere one line of text.
 * @param output where talk goes: the terminal's stderr
 */
export async function withProgress<T>(
  output: TerminalOutput,
  label: string,
  work: (report: ProgressReport) => Promise<T>,
  showAfterMs: number = SHOW_AFTER_MS,
): Promise<T> {
  let done = 0;
  let total: number | undefined;
  let frame = 0;
  let ticker: NodeJS.Timeout | undefined;
  const draw = (): void => {
    const spinner = paint(output, "cyan", FRAMES[frame++ % FRAMES.length]!);
    // One cell is for the spinner, one for the blank, and one stays free, or the terminal wraps the line.
    output.write(`${CLEAR_LINE}${spinner} ${truncate(`${printable(label)}${bar(done, total)}`, output.columns - 3)}`);
  };
  const starter = setTimeout(() => {
    if (!output.isTTY) return output.write(`${printable(label)}…\n`);
    draw();
    ticker = setInterval(draw, FRAME_MS);
  }, showAfterMs);
  try {
    return await work({
      update: (nowDone, nowTotal) => {
        done = nowDone;
        total = nowTotal ?? total;
      },
    });
  } finally {
    clearTimeout(starter);
    clearInterval(ticker);
    if (ticker !== undefined) output.write(CLEAR_LINE);
  }
}

function bar(done: number, total: number | undefined): string {
  if (total === undefined || total <= 0) return "";
  const part = Math.min(1, Math.max(0, done / total));
  const full = Math.round(part * BAR_WIDTH);
  return `  ${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${String(Math.floor(part * 100)).padStart(3)}%`;
}
