import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { CommandMessage, CommandRequest, Commands } from "./serve-commands.ts";

/** For a process to close what it holds, ms. */
const END_DEADLINE_MS = 15_000;

export interface RemoteProcessOptions {
  readonly args?: readonly string[];
  /** Options of Node. Default: those of this process, so that TypeScript sources resolve alike. */
  readonly nodeOptions?: readonly string[];
  /** Default: the Node that runs this process. */
  readonly node?: string;
}

/** A program in a process of its own that does what {@link Commands} it serves, so that it disturbs no other. */
export class RemoteProcess<C extends Commands> implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #open: Map<number, PromiseWithResolvers<unknown>> = new Map();
  readonly #ready: PromiseWithResolvers<unknown> = Promise.withResolvers();
  #lastId = 0;

  private constructor(program: string, child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#open.set(0, this.#ready);
    this.#ended = once(child, "exit");
    child.on("message", (message) => this.#onMessage(message as CommandMessage));
    child.on("error", (error) => this.#fail(error));
    child.on("exit", (code, signal) => this.#fail(new Error(`${program} ended (${signal ?? `exit code ${code}`}).`)));
  }

  /** Starts `program`, a file, and waits until it takes commands. */
  static async start<C extends Commands>(
    program: string,
    { args = [], nodeOptions = process.execArgv, node = process.execPath }: RemoteProcessOptions = {},
  ): Promise<RemoteProcess<C>> {
    const child = fork(program, args, { execPath: node, execArgv: [...nodeOptions], serialization: "advanced" });
    const remote = new RemoteProcess<C>(program, child);
    await remote.#ready.promise;
    return remote;
  }

  /** @throws Error what the command threw, or that the process has ended */
  async run<Name extends keyof C & string>(
    name: Name,
    input: Parameters<C[Name]>[0],
  ): Promise<Awaited<ReturnType<C[Name]>>> {
    const request: CommandRequest = { id: ++this.#lastId, name, input };
    const outcome = Promise.withResolvers<unknown>();
    this.#open.set(request.id, outcome);
    if (!this.#child.connected) this.#fail(new Error(`The process that was to "${name}" has ended.`));
    else this.#child.send(request);
    return (await outcome.promise) as Awaited<ReturnType<C[Name]>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_DEADLINE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #onMessage(message: CommandMessage): void {
    const id = "ready" in message ? 0 : message.id;
    const outcome = this.#open.get(id);
    this.#open.delete(id);
    if ("error" in message) outcome?.reject(new Error(message.error));
    else outcome?.resolve("result" in message ? message.result : undefined);
  }

  #fail(error: Error): void {
    for (const outcome of this.#open.values()) outcome.reject(error);
    this.#open.clear();
  }
}
