import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure } from "../figures/figure.ts";
import type { ServiceOperation } from "../processes/load-process.ts";
import { MEASURING_MODULE, MEASURING_SCRIPT } from "./measuring-functions.ts";
import type { Suite } from "./suite.ts";

const OPERATIONS: readonly { readonly operation: ServiceOperation; readonly title: string }[] = [
  { operation: "kv_get", title: "kv.get, 128 B" },
  { operation: "kv_put", title: "kv.put, 128 B" },
  { operation: "request", title: "messaging.request, 128 B" },
];
const ROUNDS = 12;
const SLICE_MS = 300;
/** For the compiler to be done with node and runner. Until then a call takes some hundredths of a millisecond more. */
const WARM_UP_MS = 3000;
const MODULE = "bench.services";
const SCRIPT = "bench.services.script";

export const hostServices: Suite = {
  name: "services",
  title: `host services from inside a function beside the plain client's own calls, ${ROUNDS} rounds of ${SLICE_MS} ms each`,
  async run({ environment, progress }) {
    const { load } = environment;
    await using system = await environment.startSystem({ poolSize: 1 });
    await system.deploy({ name: "services", subject: MODULE, source: MEASURING_MODULE });
    await system.deploy({ name: "script", subject: SCRIPT, source: MEASURING_SCRIPT });
    await system.whenCalm();
    const figures: Figure[] = [];
    const meaning = { unit: "ms", better: "lower" } as const;
    for (const { operation, title } of OPERATIONS) {
      const plain = async (durationMs: number): Promise<number> =>
        (await load.run("service", { operation, durationMs })).p50;
      const inside = async (durationMs: number): Promise<number> =>
        (await load.run("ask", { subject: MODULE, body: { operation, durationMs } }))["p50"] ?? Number.NaN;
      progress(`${title}: warming up`);
      await plain(WARM_UP_MS);
      await inside(WARM_UP_MS);
      const rounds = await alternate({
        rounds: ROUNDS,
        reference: async () => await plain(SLICE_MS),
        measured: async () => await inside(SLICE_MS),
        onRound: (round) => progress(`${title}: round ${round} of ${ROUNDS}`),
      });
      figures.push(
        comparedFigure({ ...meaning, key: `${operation}_p50`, title: `p50, ${title}`, target: 1.6 }, rounds),
      );
    }
    progress("script form: warming up");
    const plain = async (durationMs: number): Promise<number> =>
      (await load.run("service", { operation: "kv_get", durationMs })).mean;
    const inside = async (durationMs: number): Promise<number> =>
      (await load.run("ask", { subject: SCRIPT, body: { durationMs } }))["mean"] ?? Number.NaN;
    await plain(WARM_UP_MS);
    await inside(WARM_UP_MS);
    const rounds = await alternate({
      rounds: ROUNDS,
      reference: async () => await plain(SLICE_MS),
      measured: async () => await inside(SLICE_MS),
      onRound: (round) => progress(`script form: round ${round} of ${ROUNDS}`),
    });
    figures.push(
      comparedFigure(
        { ...meaning, key: "script_kv_get_mean", title: "mean, kv.get in the script form, 128 B", target: 2.2 },
        rounds,
      ),
    );
    return figures;
  },
};
