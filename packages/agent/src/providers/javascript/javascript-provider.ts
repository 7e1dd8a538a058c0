import type { DeployOrder, DeployReply, LoadOrder, WorkloadEvent } from "@nex/link";
import type { RunnerProcess } from "../../runner-process/runner-process.ts";
import { runnerEnded } from "../../runner-process/runner-source.ts";
import type { Provider, ProviderHost, RunningWorkload } from "../provider.ts";

/** JavaScript functions, in module or script form: the runner tells them apart by their source. */
export const javascriptProvider: Provider = {
  kind: "javascript",
  async deploy(order, artifactPath, host) {
    const workload = new RunnerWorkload(order, artifactPath, host);
    await workload.start();
    return workload;
  },
};

/** A function held by one runner at a time. */
class RunnerWorkload implements RunningWorkload {
  readonly ended: Promise<WorkloadEvent> = new Promise(() => undefined);
  readonly #order: LoadOrder;
  readonly #artifactPath: string;
  readonly #host: ProviderHost;
  readonly #retiring: Set<RunnerProcess> = new Set();
  #runner: RunnerProcess | undefined;
  #reply: DeployReply = { concurrency: "many" };
  #stopping = false;

  constructor(order: DeployOrder, artifactPath: string, host: ProviderHost) {
    const { namespace, name, revision, size, env, triggers } = order;
    this.#order = { namespace, name, revision, kind: "javascript", size, env, triggers };
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
      this.#retiring.delete(runner);
      if (this.#runner !== runner) return;
      this.#runner = undefined;
      if (!this.#stopping) this.#host.report(runnerEnded(exitCode, signal));
    });
  }

  async replaceRunner(graceful: boolean): Promise<void> {
    const old = this.#runner;
    this.#runner = undefined;
    if (old !== undefined) {
      // An old runner that is to finish its work ends by itself when the node closes its link.
      if (graceful) this.#retiring.add(old);
      else await old.end(0);
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
