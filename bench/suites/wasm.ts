import { buildC, missingCCompiler } from "@nex/testing";
import { alternate } from "../figures/alternate.ts";
import { comparedFigure, type Figure, figure, type Round } from "../figures/figure.ts";
import { deployEcho } from "./echo-function.ts";
import type { Suite } from "./suite.ts";
import { WASM_ECHO, WASM_MEASURING, WASM_SUSPENDABLE_ECHO } from "./wasm-programs.ts";

/** A fresh instance may cost so much more than a call of JavaScript, ms. */
const TARGET_MS = 0.3;

const ECHOES = [
  { key: "echo_128b", title: "echo in C, 128 B", subject: "bench.wasm", payloadBytes: 128 },
  { key: "echo_16k", title: "echo in C, 16 KiB", subject: "bench.wasm", payloadBytes: 16 * 1024 },
  { key: "suspendable_128b", title: "echo in C that could wait, 128 B", subject: "bench.wasm.wait", payloadBytes: 128 },
];
const ROUNDS = 16;
const SLICE_MS = 300;
const WARM_UP_MS = 1000;
const MEASURING = "bench.wasm.services";

export const wasm: Suite = {
  name: "wasm",
  title: `WebAssembly, a fresh instance for each message, beside the JavaScript echo, ${ROUNDS} rounds of ${SLICE_MS} ms each`,
  unavailable: missingCCompiler,
  async run({ environment, progress }) {
    const { load } = environment;
    await using system = await environment.startSystem({ poolSize: 1 });
    const javaScript = await deployEcho(system);
    for (const [name, subject, program] of [
      ["wasm", "bench.wasm", WASM_ECHO],
      ["wasm-wait", "bench.wasm.wait", WASM_SUSPENDABLE_ECHO],
      ["wasm-services", MEASURING, WASM_MEASURING],
    ] as const)
      await system.deploy({ name, subject, source: await buildC(program, ["-O2"]) });
    await system.whenCalm();
    const figures: Figure[] = [];
    const meaning = { unit: "ms", better: "lower" } as const;
    const compare = async (
      title: string,
      reference: (durationMs: number) => Promise<number>,
      measured: (durationMs: number) => Promise<number>,
    ): Promise<Round[]> => {
      progress(`${title}: warming up`);
      await reference(WARM_UP_MS);
      await measured(WARM_UP_MS);
      return await alternate({
        rounds: ROUNDS,
        reference: async () => await reference(SLICE_MS),
        measured: async () => await measured(SLICE_MS),
        onRound: (round) => progress(`${title}: round ${round} of ${ROUNDS}`),
      });
    };
    for (const { key, title, subject, payloadBytes } of ECHOES) {
      const p50 = (on: string) => async (durationMs: number) =>
        (await load.run("sequential", { subject: on, payloadBytes, durationMs })).p50;
      const rounds = await compare(title, p50(javaScript), p50(subject));
      const longer = rounds.map(({ reference, measured }) => measured - reference);
      figures.push(
        comparedFigure({ ...meaning, key: `${key}_p50`, title: `p50, ${title}` }, rounds),
        figure({ ...meaning, key: `${key}_longer`, title: "  longer than in JavaScript", target: TARGET_MS }, longer),
      );
    }
    const title = "kv.get in C, 128 B";
    const plain = async (durationMs: number): Promise<number> =>
      (await load.run("service", { operation: "kv_get", durationMs })).p50;
    const inside = async (durationMs: number): Promise<number> =>
      (await load.run("ask", { subject: MEASURING, body: { durationMs } }))["p50"] ?? Number.NaN;
    const rounds = await compare(title, plain, inside);
    figures.push(
      comparedFigure({ ...meaning, key: "kv_get_p50", title: `p50, ${title}, beside the plain client` }, rounds),
    );
    return figures;
  },
};
