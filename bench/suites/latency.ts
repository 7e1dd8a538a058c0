import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure } from "../figures/figure.ts";
import type { Latency } from "../processes/load-process.ts";
import { deployEcho } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const PAYLOADS = [
  { key: "128b", title: "128 B", payloadBytes: 128, target: 1.6 },
  { key: "16k", title: "16 KiB", payloadBytes: 16 * 1024, target: 1.6 },
];
const ROUNDS = 20;
const SLICE_MS = 300;
/** Until every process involved runs compiled code. */
const WARM_UP_MS = 1000;

export const latency: Suite = {
  name: "latency",
  title: `one request at a time, ${ROUNDS} rounds of ${SLICE_MS} ms each`,
  async run({ environment, progress }) {
    const { load, echo } = environment;
    await using system = await environment.startSystem({ poolSize: 1 });
    const subject = await deployEcho(system);
    const figures: Figure[] = [];
    for (const { key, title, payloadBytes, target } of PAYLOADS) {
      const measure = (on: string, durationMs: number) => async (): Promise<Latency> =>
        await load.run("sequential", { subject: on, payloadBytes, durationMs });
      progress(`${title}: warming up`);
      await measure(echo.subject, WARM_UP_MS)();
      await measure(subject, WARM_UP_MS)();
      const rounds = await alternate({
        rounds: ROUNDS,
        reference: measure(echo.subject, SLICE_MS),
        measured: measure(subject, SLICE_MS),
        onRound: (round) => progress(`${title}: round ${round} of ${ROUNDS}`),
      });
      const pick = (which: keyof Latency) =>
        rounds.map(({ reference, measured }) => ({ reference: reference[which], measured: measured[which] }));
      const meaning = { unit: "ms", better: "lower" } as const;
      figures.push(
        comparedFigure({ ...meaning, key: `p50_${key}`, title: `p50, ${title}`, target }, pick("p50")),
        comparedFigure({ ...meaning, key: `p99_${key}`, title: `p99, ${title}` }, pick("p99")),
      );
    }
    return figures;
  },
};
