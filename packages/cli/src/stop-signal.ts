import { NexError } from "@nex/protocol";
import { ExitCode, signalExitCode } from "./exit-codes.ts";

const STOPPING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Ctrl-C reaches every process of the terminal's group: this one directly, and once more through the launcher when
 * there is one. Two that are closer than this are the same key press, ms.
 */
const SAME_PRESS_MS = 300;

/** The wish of the user, or of the system, that the command ends. */
export interface StopSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Turns signals, a reader of stdout that went away, and the death of the launcher into one `AbortSignal`. A second
 * signal ends the process at once, for commands that take too long to end in order.
 */
export function listenForStop(): StopSignal {
  const controller = new AbortController();
  let first: number | undefined;
  const stop = (cause: NodeJS.Signals): void => {
    const now = performance.now();
    if (first !== undefined && now - first > SAME_PRESS_MS) process.exit(signalExitCode(cause)); // oxlint-disable-line unicorn/no-process-exit -- asked twice
    first ??= now;
    controller.abort(new NexError("cancelled", `Stopped by ${cause}.`, { data: { signal: cause } }));
  };
  const brokenPipe = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE") throw error;
    // `nex logs --follow | head` has what it wanted.
    controller.abort(new NexError("cancelled", "The reader of the output is gone.", { data: { signal: "SIGPIPE" } }));
  };
  const launcherGone = (): void => stop("SIGTERM");
  for (const signal of STOPPING) process.on(signal, stop);
  process.stdout.on("error", brokenPipe);
  process.stderr.on("error", brokenPipe);
  if (process.channel != null && process.env["NEX_LAUNCHER"] === String(process.ppid)) {
    process.once("disconnect", launcherGone);
    process.channel.unref();
  }
  // Programs that nex starts have another parent.
  delete process.env["NEX_LAUNCHER"];
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      // The listeners for broken pipes stay: what was written last may still be on its way.
      for (const signal of STOPPING) process.off(signal, stop);
      process.off("disconnect", launcherGone);
    },
  };
}

/** Exit code of a command that was stopped; `undefined` if it was not. */
export function stopExitCode(signal: AbortSignal): number | undefined {
  if (!signal.aborted) return undefined;
  const cause: unknown = signal.reason instanceof NexError ? signal.reason.data["signal"] : undefined;
  if (cause === "SIGPIPE") return ExitCode.ok;
  return STOPPING.includes(cause as NodeJS.Signals) ? signalExitCode(cause as NodeJS.Signals) : ExitCode.failure;
}
