import { type Spread, spreadOf } from "./spread.ts";

/** What a figure means, whatever it came to. */
export interface FigureMeaning {
  /** Names the figure in result files, within its suite. Changing it breaks comparisons with older files. */
  readonly key: string;
  readonly title: string;
  readonly unit: "ms" | "µs" | "msg/s" | "MB";
  readonly better: "lower" | "higher";
  /** Worst value that is still good: of the ratio where there is one, else of what was measured, in its unit. */
  readonly target?: number;
}

/** One line of a report. */
export interface Figure extends FigureMeaning {
  readonly measured: Spread;
  /** The same done without Nex, in the same run. */
  readonly reference?: Spread;
  /** Measured by reference, made round by round: each round's two halves met the same conditions. */
  readonly ratio?: Spread;
}

/** One round: the same work without Nex and with it, one right after the other. */
export interface Round<T = number> {
  readonly reference: T;
  readonly measured: T;
}

export function figure(meaning: FigureMeaning, measurements: readonly number[]): Figure {
  return { ...meaning, measured: spreadOf(measurements) };
}

export function comparedFigure(meaning: FigureMeaning, rounds: readonly Round[]): Figure {
  return {
    ...meaning,
    measured: spreadOf(rounds.map((round) => round.measured)),
    reference: spreadOf(rounds.map((round) => round.reference)),
    ratio: spreadOf(rounds.map((round) => round.measured / round.reference)),
  };
}

/** What targets and comparisons look at: a ratio depends less on the machine than the figure itself. */
export function decisive({ ratio, measured }: Figure): Spread {
  return ratio ?? measured;
}

/** Whether the target was reached; `undefined` without one. */
export function isTargetMet(subject: Figure): boolean | undefined {
  const { target, better } = subject;
  if (target === undefined) return undefined;
  const { median } = decisive(subject);
  return better === "lower" ? median <= target : median >= target;
}
