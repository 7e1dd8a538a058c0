import { callMethod, type Link, type LinkAddress, runnerToken, servicesToken, type WorkloadEvent } from "@nex/link";
import { NexError } from "@nex/protocol";
import type { LogBatcher } from "../logs/log-batcher.ts";
import { RunnerProcess, type RunnerTokens } from "./runner-process.ts";

export interface RunnerSourceOptions {
  /** Path of the runner's program, or a descriptor such as `/proc/self/fd/4`. */
  readonly program: string;
  readonly address: LinkAddress;
  readonly directory: string;
  readonly logs: LogBatcher;
  /** How much longer than on the bare machine things may take here before they count as stuck. */
  readonly patience: number;
}

/** For the node to issue a token, ms. */
const TOKEN_DEADLINE_MS = 5000;

/** Starts runners; keeps one ahead, so that a deploy only has to hand it the source. */
export class RunnerSource {
  readonly #options: RunnerSourceOptions;
  readonly #runners: Set<RunnerProcess> = new Set();
  #isClosed = false;
  #link: Link | undefined;
  #ahead: Promise<RunnerProcess> | undefined;

  constructor(options: RunnerSourceOptions) {
    this.#options = options;
  }

  /** Starts the first runner's process at once: it comes up while the agent is still saying hello. */
  startAhead(): void {
    this.#ahead ??= this.#start();
    this.#ahead.catch(() => undefined);
  }

  /** Lets the runner that waits say hello too, so that a deploy finds it complete. */
  async admit(link: Link): Promise<void> {
    this.#link = link;
    const runner = await this.#ahead;
    if (runner !== undefined) await runner.boot(await this.#tokens());
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
    const [runner, tokens] = await Promise.all([this.#start(), this.#tokens()]);
    try {
      await runner.boot(tokens);
    } catch (error) {
      await runner.end(0);
      throw error;
    }
    return runner;
  }

  /** Kills every runner that is still there, the one that waits among them, and starts no more. */
  async discard(): Promise<void> {
    this.#isClosed = true;
    await this.#ahead?.catch(() => undefined);
    await Promise.all([...this.#runners].map(async (runner) => await runner.end(0)));
  }

  async #start(): Promise<RunnerProcess> {
    if (this.#isClosed) throw new NexError("link_closed", "The agent is ending and starts no more runners.");
    const runner = await RunnerProcess.start(this.#options);
    this.#runners.add(runner);
    void runner.ended.then(() => this.#runners.delete(runner));
    if (this.#isClosed) await runner.end(0);
    return runner;
  }

  async #tokens(): Promise<RunnerTokens> {
    const limits = { deadlineMs: TOKEN_DEADLINE_MS * this.#options.patience };
    const [runner, services] = await Promise.all([
      callMethod(this.#link!, runnerToken, null, limits),
      callMethod(this.#link!, servicesToken, null, limits),
    ]);
    return { runner: runner.token, services: services.token };
  }
}

/** Tells the node how a runner ended. */
export function runnerEnded(exitCode: number | null, signal: string | null): WorkloadEvent {
  const reason =
    signal === null ? `The runner ended with exit code ${exitCode}.` : `The runner was ended by ${signal}.`;
  return { type: "runner_ended", exit_code: exitCode, signal, reason };
}
