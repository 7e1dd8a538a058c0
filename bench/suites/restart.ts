import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildStaticProgram, missingCCompiler, temporaryDirectory, waitFor } from "@nex/testing";
import { figure } from "../figures/figure.ts";
import { ECHO_FUNCTION } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const FUNCTIONS = 50;
const SERVICES = 10;
const REPETITIONS = 3;
/** As long as it may take on a machine that is busy with something else, ms. */
const PATIENCE_MS = 120_000;

export const restart: Suite = {
  name: "restart",
  title: `kill -9 of a node that runs ${FUNCTIONS} functions and ${SERVICES} services, ${REPETITIONS} times`,
  unavailable: () => missingCCompiler(),
  async run({ environment, progress }) {
    await using system = await environment.startSystem({ poolSize: 1, keepsState: true });
    const service = await buildService();
    const names = Array.from({ length: FUNCTIONS }, (_, index) => `fn${index}`);
    for (const name of names) {
      progress(`deploying ${name}`);
      await system.deploy({ name, subject: `bench.restart.${name}`, source: `${ECHO_FUNCTION}// ${name}\n` });
    }
    for (let index = 0; index < SERVICES; index++) {
      progress(`deploying service${index}`);
      await system.deploy({ name: `service${index}`, source: service });
    }
    const ready: number[] = [];
    const first: number[] = [];
    const all: number[] = [];
    for (let round = 1; round <= REPETITIONS; round++) {
      progress(`killed, ${round} of ${REPETITIONS}`);
      await system.whenCalm();
      const began = performance.now();
      await system.crash();
      ready.push(performance.now() - began);
      const answers = performance.now();
      const whenUp = async (count: number): Promise<number> => {
        await waitFor(async () => (await system.running()).length >= count, { timeoutMs: PATIENCE_MS });
        return performance.now() - answers;
      };
      first.push(await whenUp(1));
      all.push(await whenUp(FUNCTIONS + SERVICES));
    }
    const meaning = { unit: "ms", better: "lower" } as const;
    return [
      figure({ ...meaning, key: "ready", title: "the node answers again" }, ready),
      figure({ ...meaning, key: "first", title: "then, until the first runs", target: 1000 }, first),
      figure({ ...meaning, key: "all", title: "then, until all run", target: 15_000 }, all),
    ];
  },
};

/** A program that does nothing until it is ended. */
async function buildService(): Promise<Buffer> {
  await using directory = await temporaryDirectory("nex-bench-");
  const source = join(directory.path, "service.c");
  await writeFile(source, "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n");
  await buildStaticProgram(source, join(directory.path, "service"));
  return await readFile(join(directory.path, "service"));
}
