import { constants } from "node:os";
import { errorCatalogue, isNexError } from "@nex/protocol";

/** Exit codes of `nex`. Errors of Nex name theirs in the error catalogue; a signal's is 128 and its number. */
export const ExitCode = { ok: 0, failure: 1, usage: 2, notFound: 3, noAnswer: 4, notAllowed: 5 } as const;

/** What to exit with after `error`, which may be anything thrown. */
export function exitCodeOf(error: unknown): number {
  return isNexError(error) ? errorCatalogue[error.code].exit : ExitCode.failure;
}

/** 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
