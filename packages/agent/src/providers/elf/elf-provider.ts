import { open } from "node:fs/promises";
import type { DeployOrder, WorkloadEvent } from "@nex/link";
import { NexError } from "@nex/protocol";
import { type ProcessEnd, ProcessGroup } from "../../life/process-group.ts";
import { LineSplitter, PART_QUIET_MS } from "../../logs/line-splitter.ts";
import type { LogBatcher } from "../../logs/log-batcher.ts";
import type { Provider, ProviderHost, RunningWorkload } from "../provider.ts";
import { checkElf } from "./elf-header.ts";

/** Services: static 64-bit Linux programs, as a child process of the agent. */
export const elfProvider: Provider = {
  kind: "elf",
  async deploy(order, artifactPath, host) {
    await checkFile(artifactPath);
    // A service needs no runner; the one that waits would only hold memory.
    await host.runners.discard();
    const service = new Service(order, artifactPath, host);
    await service.ready(order.ready_ms);
    return service;
  },
};

async function checkFile(path: string): Promise<void> {
  await using file = await open(path);
  const { size } = await file.stat();
  await checkElf({
    size,
    read: async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
  });
}

/** How many of its last lines a service that does not come up is quoted with. */
const QUOTED_LINES = 5;

class Service implements RunningWorkload {
  readonly reply = { concurrency: "many" } as const;
  readonly ended: Promise<WorkloadEvent>;
  readonly #group: ProcessGroup;
  readonly #lastLines: string[] = [];

  constructor(order: DeployOrder, path: string, host: ProviderHost) {
    this.#group = startProgram(order, path, host.directory);
    this.#capture("stdout", host.logs);
    this.#capture("stderr", host.logs);
    this.ended = this.#group.ended.then(toEvent);
  }

  /** Resolves once the service has stayed up for a while. @throws NexError `deploy_failed` */
  async ready(afterMs: number): Promise<void> {
    const timer = Promise.withResolvers<undefined>();
    const timeout = setTimeout(() => timer.resolve(undefined), afterMs);
    const end = await Promise.race([timer.promise, this.#group.ended]);
    clearTimeout(timeout);
    if (end === undefined) return;
    await this.#group.end(0);
    if (this.#group.startError !== undefined) throw notStarted(this.#group.startError);
    const said = this.#lastLines.length === 0 ? "It wrote nothing." : `It wrote: ${this.#lastLines.join(" / ")}`;
    throw new NexError(
      "deploy_failed",
      `The service ended with ${describe(end)} before it had stayed up for ${afterMs} ms. ${said}`,
      {
        data: { exit_code: end.exitCode, signal: end.signal },
      },
    );
  }

  async stop(graceMs: number): Promise<boolean> {
    return await this.#group.end(graceMs);
  }

  #capture(stream: "stdout" | "stderr", logs: LogBatcher): void {
    const lines = new LineSplitter((line) => {
      logs.add("info", stream, line);
      this.#lastLines.push(line.slice(0, 200));
      if (this.#lastLines.length > QUOTED_LINES) this.#lastLines.shift();
    }, PART_QUIET_MS);
    const output = this.#group.child[stream];
    output?.on("data", (chunk: Buffer) => lines.push(chunk));
    output?.on("end", () => lines.end());
  }
}

/** @throws NexError `too_large`, `deploy_failed` */
function startProgram({ argv, env }: DeployOrder, path: string, directory: string): ProcessGroup {
  try {
    return new ProcessGroup(path, { arguments: argv, env, directory, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw notStarted(error as NodeJS.ErrnoException);
  }
}

function notStarted(cause: NodeJS.ErrnoException): NexError {
  if (cause.code === "E2BIG") {
    return new NexError(
      "too_large",
      "Arguments and environment of the service are together more than the kernel takes, which is a quarter of the stack limit (usually 2 MiB), or one variable has more than 128 KiB. Pass less, or have the service read it from elsewhere.",
      { cause },
    );
  }
  return new NexError("deploy_failed", `The service could not be started: ${cause.message}.`, { cause });
}

function toEvent(end: ProcessEnd): WorkloadEvent {
  return {
    type: "workload_ended",
    exit_code: end.exitCode,
    signal: end.signal,
    reason: `The service ended with ${describe(end)}.`,
  };
}

function describe({ exitCode, signal }: ProcessEnd): string {
  return signal === null ? `exit code ${exitCode}` : signal;
}
