import { callMethod, type Link, type LinkAddress, runnerToken, type WorkloadEvent } from "@nex/link";
import type { LogBatcher } from "../logs/log-batcher.ts";
import { RunnerProcess } from "./runner-process.ts";

export interface RunnerSourceOptions {
  /** Path of the runner's program, or a descriptor such as `/proc/self/fd/4`. */
  readonly program: string;
  readonly address: LinkAddress;
  readonly directory: string;
  readonly logs: LogBatcher;
}

/** Starts runners; keeps one ahead, so that a deploy only has to hand it the source. */
export class RunnerSource {
  readonly #options: RunnerSourceOptions;
  #link: Link | undefined;
  #ahead: Promise<RunnerProcess> | undefined;

  constructor(options: RunnerSourceOptions) {
    this.#options = options;
  }

  /** Starts the first runner's process at once: it comes up while the agent is still saying hello. */
  startAhead(): void {
    this.#ahead ??= RunnerProcess.start(this.#options);
    this.#ahead.catch(() => undefined);
  }

  /** Lets the runner that waits say hello too, so that a deploy finds it complete. */
  async admit(link: Link): Promise<void> {
    this.#link = link;
    const runner = await this.#ahead;
    if (runner !== undefined) await runner.boot(await this.#token());
  }

  /** A runner that has said hello and has nothing loaded. @throws NexError `sandbox_failed` */
  async take(): Promise<RunnerProcess> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) {
      const runner = await ahead;
      if (!runner.isOver) {
        await runner.booted;
        return runner;
      }
    }
    const [runner, token] = await Promise.all([RunnerProcess.start(this.#options), this.#token()]);
    await runner.boot(token);
    return runner;
  }

  /** Ends the runner that waits, if there is one. */
  async discard(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const runner = await ahead?.catch(() => undefined);
    await runner?.end(0);
  }

  async #token(): Promise<string> {
    const { token } = await callMethod(this.#link!, runnerToken, null, { deadlineMs: 5000 });
    return token;
  }
}

/** Tells the node how a runner ended. */
export function runnerEnded(exitCode: number | null, signal: string | null): WorkloadEvent {
  const reason =
    signal === null ? `The runner ended with exit code ${exitCode}.` : `The runner was ended by ${signal}.`;
  return { type: "runner_ended", exit_code: exitCode, signal, reason };
}
