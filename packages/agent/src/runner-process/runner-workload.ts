import type { DeployReply, LoadOrder, WorkloadEvent } from "@nex/link";
import type { ProviderHost, RunningWorkload } from "../providers/provider.ts";
import type { RunnerProcess } from "./runner-process.ts";
import { runnerEnded } from "./runner-source.ts";

/** A function of any kind, held by one runner at a time. */
export class RunnerWorkload implements RunningWorkload {
  readonly ended: Promise<WorkloadEvent> = new Promise(() => undefined);
  readonly #order: LoadOrder;
  readonly #artifactPath: string;
  readonly #host: ProviderHost;
  readonly #retiring: Set<RunnerProcess> = new Set();
  #runner: RunnerProcess | undefined;
  #reply: DeployReply = { concurrency: "many" };
  #stopping = false;

  constructor(order: LoadOrder, artifactPath: string, host: ProviderHost) {
    this.#order = order;
    this.#artifactPath = artifactPath;
    this.#host = host;
  }

  get reply(): DeployReply {
    return this.#reply;
  }

  async start(): Promise<void> {
    const runner = await this.#host.runners.take();
    try {
      this.#reply = await runner.load(this.#order, this.#artifactPath);
    } catch (error) {
      await runner.end(0);
      throw error;
    }
    this.#runner = runner;
    void runner.ended.then(({ exitCode, signal }) => {
      const isRetired = this.#retiring.delete(runner);
      if (this.#runner === runner) this.#runner = undefined;
      if (!this.#stopping && !isRetired) this.#host.report(runnerEnded(exitCode, signal));
    });
  }

  async replaceRunner(graceful: boolean): Promise<void> {
    const old = this.#runner;
    this.#runner = undefined;
    if (old !== undefined && (graceful || !(await old.endsByItself()))) {
      this.#retiring.add(old);
      // One that is to finish its work ends by itself when the node closes its link.
      if (!graceful) await old.end(0);
    }
    if (!this.#stopping) await this.start();
  }

  async stop(graceMs: number): Promise<boolean> {
    this.#stopping = true;
    const runners = [...this.#retiring, ...(this.#runner === undefined ? [] : [this.#runner])];
    const killed = await Promise.all(runners.map(async (runner) => await runner.end(graceMs)));
    return killed.includes(true);
  }
}
