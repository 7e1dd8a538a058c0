import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure } from "../figures/figure.ts";
import { cpuSeconds, descendantsOf, hasProcessFigures } from "../processes/process-figures.ts";
import { deployEcho } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const IN_FLIGHT = 64;
const PAYLOAD_BYTES = 128;
const ROUNDS = 20;
const SLICE_MS = 500;
/** Until every process involved runs compiled code. */
const WARM_UP_MS = 1500;

export const throughput: Suite = {
  name: "throughput",
  title: `${IN_FLIGHT} requests of ${PAYLOAD_BYTES} B in flight, ${ROUNDS} rounds of ${SLICE_MS} ms each`,
  async run({ environment, progress }) {
    const { load, echo } = environment;
    await using system = await environment.startSystem({ poolSize: 1 });
    const subject = await deployEcho(system);
    const echoes = [echo.pid];
    const nodes = [system.pid, ...(hasProcessFigures ? descendantsOf(system.pid) : [])];
    const measure = (on: string, pids: readonly number[], durationMs: number) => async () => {
      const before = cpu(pids);
      const { perSecond, messages } = await load.run("saturate", {
        subject: on,
        payloadBytes: PAYLOAD_BYTES,
        inFlight: IN_FLIGHT,
        durationMs,
      });
      return { perSecond, cpuMicroseconds: ((cpu(pids) - before) / messages) * 1e6 };
    };
    progress("warming up");
    await measure(echo.subject, echoes, WARM_UP_MS)();
    await measure(subject, nodes, WARM_UP_MS)();
    const rounds = await alternate({
      rounds: ROUNDS,
      reference: measure(echo.subject, echoes, SLICE_MS),
      measured: measure(subject, nodes, SLICE_MS),
      onRound: (round) => progress(`round ${round} of ${ROUNDS}`),
    });
    const pick = (which: keyof (typeof rounds)[number]["measured"]) =>
      rounds.map(({ reference, measured }) => ({ reference: reference[which], measured: measured[which] }));
    const figures: Figure[] = [
      comparedFigure(
        { key: "per_second", title: "requests", unit: "msg/s", better: "higher", target: 0.6 },
        pick("perSecond"),
      ),
    ];
    if (hasProcessFigures) {
      const meaning = { key: "cpu_per_request", title: "CPU time per request", unit: "µs", better: "lower" } as const;
      figures.push(comparedFigure(meaning, pick("cpuMicroseconds")));
    }
    return figures;
  },
};

function cpu(pids: readonly number[]): number {
  return hasProcessFigures ? cpuSeconds(pids) : 0;
}
