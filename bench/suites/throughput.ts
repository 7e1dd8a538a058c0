import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure } from "../figures/figure.ts";
import { cpuSeconds, descendantsOf, hasProcessFigures } from "../processes/process-figures.ts";
import { deployEcho, freshEchoes } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const PAYLOADS = [
  { key: "128b", title: "128 B", payloadBytes: 128, target: 0.6 },
  { key: "16k", title: "16 KiB", payloadBytes: 16 * 1024, target: undefined },
];
const IN_FLIGHT = 64;
const ROUNDS = 16;
const SLICE_MS = 400;
/** Until every process involved runs compiled code. */
const WARM_UP_MS = 1000;

export const throughput: Suite = {
  name: "throughput",
  title: `${IN_FLIGHT} requests in flight, ${ROUNDS} rounds of ${SLICE_MS} ms each`,
  async run({ environment, progress }) {
    const { load, echo } = environment;
    await using system = await environment.startSystem({ poolSize: 1 });
    const bare = { subject: echo.subject, pids: [echo.pid] };
    const figures: Figure[] = [];
    const compare = async (
      subject: string,
      { key, title, payloadBytes, target }: (typeof PAYLOADS)[number],
    ): Promise<void> => {
      const nex = { subject, pids: [system.pid, ...(hasProcessFigures ? descendantsOf(system.pid) : [])] };
      const measure = (side: typeof bare, durationMs: number) => async () => {
        const before = cpu(side.pids);
        const wanted = { subject: side.subject, payloadBytes, durationMs, inFlight: IN_FLIGHT };
        const { perSecond, messages } = await load.run("saturate", wanted);
        return { perSecond, cpuMicroseconds: ((cpu(side.pids) - before) / messages) * 1e6 };
      };
      progress(`${title}: warming up`);
      await measure(bare, WARM_UP_MS)();
      await measure(nex, WARM_UP_MS)();
      const rounds = await alternate({
        rounds: ROUNDS,
        reference: measure(bare, SLICE_MS),
        measured: measure(nex, SLICE_MS),
        onRound: (round) => progress(`${title}: round ${round} of ${ROUNDS}`),
      });
      const pick = (which: keyof (typeof rounds)[number]["measured"]) =>
        rounds.map(({ reference, measured }) => ({ reference: reference[which], measured: measured[which] }));
      const requests = {
        key: `per_second_${key}`,
        title: `requests, ${title}`,
        unit: "msg/s",
        better: "higher",
      } as const;
      figures.push(comparedFigure(target === undefined ? requests : { ...requests, target }, pick("perSecond")));
      if (!hasProcessFigures) return;
      const used = { key: `cpu_${key}`, title: "  CPU time per request", unit: "µs", better: "lower" } as const;
      figures.push(comparedFigure(used, pick("cpuMicroseconds")));
    };
    const subject = await deployEcho(system);
    for (const payload of PAYLOADS) await compare(subject, payload);
    for (const echoFunction of freshEchoes()) {
      const fresh = await deployEcho(system, echoFunction);
      const title = `128 B${echoFunction.title}`;
      await compare(fresh, { key: `128b${echoFunction.key}`, title, payloadBytes: 128, target: undefined });
    }
    return figures;
  },
};

/** Of everything on the answering side. */
function cpu(pids: readonly number[]): number {
  return hasProcessFigures ? cpuSeconds(pids) : 0;
}
