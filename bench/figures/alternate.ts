import type { Round } from "./figure.ts";

export interface Alternation<T> {
  readonly rounds: number;
  readonly reference: () => Promise<T>;
  readonly measured: () => Promise<T>;
  readonly onRound?: (round: number) => void;
}

/** Takes turns: reference, measured, measured, reference, … so that a drift of the machine's speed favours neither. */
export async function alternate<T>({ rounds, reference, measured, onRound }: Alternation<T>): Promise<Round<T>[]> {
  const done: Round<T>[] = [];
  for (let round = 0; round < rounds; round++) {
    onRound?.(round + 1);
    if (round % 2 === 0) {
      const first = await reference();
      done.push({ reference: first, measured: await measured() });
    } else {
      const first = await measured();
      done.push({ reference: await reference(), measured: first });
    }
  }
  return done;
}
