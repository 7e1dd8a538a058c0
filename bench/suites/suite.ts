import type { Environment } from "../environment.ts";
import type { Figure } from "../figures/figure.ts";

export interface SuiteRun {
  readonly environment: Environment;
  /** Tells a waiting person what goes on. */
  readonly progress: (text: string) => void;
}

/** One set of measurements that belong together. A new one is a file in this folder and a line in `main.ts`. */
export interface Suite {
  /** What `npm run bench -- NAME` asks for. */
  readonly name: string;
  readonly title: string;
  /** Why it cannot run on this system, or `undefined`. */
  unavailable?(): string | undefined;
  /** Starts from nothing, so that suites do not influence each other and each can run alone. */
  run(run: SuiteRun): Promise<readonly Figure[]>;
}
