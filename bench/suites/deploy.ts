import { type Figure, type FigureMeaning, figure } from "../figures/figure.ts";
import type { System, SystemNeeds } from "../system.ts";
import { ECHO_FUNCTION } from "./echo-function.ts";
import type { Suite, SuiteRun } from "./suite.ts";

const REPETITIONS = 12;
/** Not counted: what the node compiles and loads on first use. */
const WARM_UPS = 2;

interface Life {
  readonly firstReplyMs: number;
  readonly stopMs: number;
}

export const deploy: Suite = {
  name: "deploy",
  title: `from the start of the upload to the function's first reply, ${REPETITIONS} times`,
  async run(run) {
    const warm = await measureLives(run, "warm", { poolSize: 1 });
    const cold = await measureLives(run, "cold", { poolSize: 0 });
    const kept = await measureLives(run, "kept", { poolSize: 1, keepsState: true });
    const meaning = { unit: "ms", better: "lower" } as const;
    const made = (rest: Pick<FigureMeaning, "key" | "title" | "target">, lives: Life[], which: keyof Life): Figure =>
      figure(
        { ...meaning, ...rest },
        lives.map((life) => life[which]),
      );
    return [
      made({ key: "warm", title: "with a warm agent", target: 60 }, warm, "firstReplyMs"),
      made({ key: "cold", title: "without (pool of 0)", target: 250 }, cold, "firstReplyMs"),
      made({ key: "kept", title: "with a warm agent, and records of it", target: 60 }, kept, "firstReplyMs"),
      made({ key: "stop", title: "stop, until nothing is left" }, [...warm, ...cold], "stopMs"),
      made({ key: "kept-stop", title: "the same, and no record" }, kept, "stopMs"),
    ];
  },
};

async function measureLives({ environment, progress }: SuiteRun, title: string, needs: SystemNeeds): Promise<Life[]> {
  await using system = await environment.startSystem(needs);
  const lives: Life[] = [];
  for (let number = 1 - WARM_UPS; number <= REPETITIONS; number++) {
    progress(number > 0 ? `${title}: ${number} of ${REPETITIONS}` : `${title}: warming up`);
    await system.whenCalm();
    const life = await liveOnce(system, `${title}${number + WARM_UPS}`, environment.load);
    if (number > 0) lives.push(life);
  }
  return lives;
}

async function liveOnce(system: System, name: string, load: SuiteRun["environment"]["load"]): Promise<Life> {
  const subject = `bench.deploy.${name}`;
  const began = performance.now();
  // An artifact of its own: one that the node knows already would not have to be fetched.
  await system.deploy({ name, subject, source: `${ECHO_FUNCTION}// ${name}\n` });
  await load.run("request", { subject, payloadBytes: 128 });
  const firstReplyMs = performance.now() - began;
  // The next agent is started meanwhile; a stop is timed when that is over.
  await system.whenCalm();
  const stopBegan = performance.now();
  await system.stop(name);
  return { firstReplyMs, stopMs: performance.now() - stopBegan };
}
