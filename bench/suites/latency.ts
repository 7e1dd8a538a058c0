import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure } from "../figures/figure.ts";
import type { Latency } from "../processes/load-process.ts";
import { deployEcho, freshEchoes } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const PAYLOADS = [
  { key: "128b", title: "128 B", payloadBytes: 128, target: 1.6 },
  { key: "16k", title: "16 KiB", payloadBytes: 16 * 1024, target: 1.6 },
];
/** Of kinds that start afresh for each message: a collection of what they leave must not be met by one in a hundred. */
const FRESH_P99_TARGET = 3;
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
    const figures: Figure[] = [];
    const compare = async (
      subject: string,
      { key, title, payloadBytes }: Omit<(typeof PAYLOADS)[number], "target">,
      targets: { readonly p50?: number; readonly p99?: number },
    ): Promise<void> => {
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
      for (const which of ["p50", "p99"] as const) {
        const target = targets[which];
        const meaning = {
          key: `${which}_${key}`,
          title: `${which}, ${title}`,
          unit: "ms",
          better: "lower",
          ...(target === undefined ? {} : { target }),
        } as const;
        const picked = rounds.map(({ reference, measured }) => ({
          reference: reference[which],
          measured: measured[which],
        }));
        figures.push(comparedFigure(meaning, picked));
      }
    };
    const subject = await deployEcho(system);
    for (const { target, ...payload } of PAYLOADS) await compare(subject, payload, { p50: target });
    for (const echoFunction of freshEchoes()) {
      const fresh = await deployEcho(system, echoFunction);
      const key = `128b${echoFunction.key}`;
      const payload = { key, title: `128 B${echoFunction.title}`, payloadBytes: 128 };
      await compare(fresh, payload, { p99: FRESH_P99_TARGET });
    }
    return figures;
  },
};
