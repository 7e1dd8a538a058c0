import { once } from "node:events";
import { closeSync, createReadStream, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { boot, callMethod, decode, Link, type LinkAddress, load, type LoadOrder, type LoadReply } from "@nex/link";
import { NexError } from "@nex/protocol";
import { openOwnProgram, type ProcessEnd, ProcessGroup } from "../life/process-group.ts";
import { LineSplitter, PART_QUIET_MS } from "../logs/line-splitter.ts";
import type { LogBatcher } from "../logs/log-batcher.ts";
import { openServicesLink } from "./services-link.ts";

/** Descriptors of a runner, beyond output and error. */
const RunnerDescriptor = { nodeLink: 3, agentLink: 4, program: 5, node: 6, services: 7 } as const;

/**
 * A runner is idle memory: a young generation that does not grow (a form that needs one that does lets it, see the
 * script form), no threads it does not need. Without the trap handler a
 * WebAssembly memory takes no more addresses than its maximum, instead of 8 GiB: instances come and go by the
 * thousand, and mapping such ranges takes milliseconds once they add up to terabytes.
 */
const V8_FLAGS = [
  "--max-semi-space-size=32",
  "--semi-space-growth-factor=1",
  "--v8-pool-size=1",
  "--disable-wasm-trap-handler",
];

/** From start to hello, ms. Usually 50; a starved machine may take seconds. */
const BOOT_DEADLINE_MS = 20_000;

/** For loading the function's source: a throw at load is immediate, a top-level await may take its time. */
const LOAD_DEADLINE_MS = 10_000;

/** Between the end of a process's sockets and its own, ms; and how many times that under emulation at most. */
const DYING_MS = 50;
const MOST_PATIENCE = 10;

export interface RunnerProcessOptions {
  readonly program: string;
  readonly address: LinkAddress;
  readonly directory: string;
  readonly logs: LogBatcher;
  /** How much longer than on the bare machine things may take here before they count as stuck. */
  readonly patience: number;
}

/** What lets one runner in. */
export interface RunnerTokens {
  readonly runner: string;
  /** For the link on which it waits for host services. */
  readonly services: string;
}

/**
 * One process that runs a function. It inherits its own two links to the node, so that neither triggers nor host
 * services ever pass through the agent, and a socket pair to the agent.
 */
export class RunnerProcess {
  readonly #group: ProcessGroup;
  readonly #link: Link;
  readonly #logs: LogBatcher;
  readonly #patience: number;
  /** Our copy of the runner's second link, until hello is said on it. */
  readonly #services: Socket;
  #booted: Promise<void> | undefined;

  private constructor(group: ProcessGroup, services: Socket, { logs, patience }: RunnerProcessOptions) {
    this.#group = group;
    this.#services = services;
    this.#logs = logs;
    this.#patience = patience;
    this.#link = new Link(group.child.stdio[RunnerDescriptor.agentLink] as Duplex);
    this.#capture(group.child.stdout, "stdout");
    this.#capture(group.child.stderr, "stderr");
  }

  static async start(options: RunnerProcessOptions): Promise<RunnerProcess> {
    // The child has its own copies of all of these, and only in the end do we keep one: of its second link it cannot
    // make use before we have said hello on it.
    using opened = new DisposableStack();
    const [socket, services] = await dialTwice(options.address);
    opened.defer(() => socket.destroy());
    using kept = new DisposableStack();
    kept.defer(() => services.destroy());
    const program = openProgram(options.program, opened);
    const node = openOwnProgram();
    if (node !== undefined) opened.defer(() => closeSync(node));
    const entry = process.platform === "linux" ? `/proc/self/fd/${RunnerDescriptor.program}` : options.program;
    const group = new ProcessGroup(node === undefined ? process.execPath : `/proc/self/fd/${RunnerDescriptor.node}`, {
      // The entry is read through its descriptor; that one file is all the runner may read.
      arguments: [...V8_FLAGS, "--permission", `--allow-fs-read=${entry}`, "--preserve-symlinks-main", entry],
      env: {},
      directory: options.directory,
      stdio: ["ignore", "pipe", "pipe", socket, "pipe", program, node ?? "ignore", services],
      argv0: "nex-runner",
    });
    void group.ended.then(() => services.destroy());
    kept.move();
    return new RunnerProcess(group, services, options);
  }

  get isOver(): boolean {
    return this.#group.isOver;
  }

  get ended(): Promise<ProcessEnd> {
    return this.#group.ended;
  }

  /** Resolves when hello has been said on both links to the node. */
  get booted(): Promise<void> {
    return this.#booted ?? Promise.reject(new NexError("internal", "The runner was never given its token."));
  }

  async boot({ runner, services }: RunnerTokens): Promise<void> {
    const deadlineMs = BOOT_DEADLINE_MS * this.#patience;
    this.#booted = this.#unlessEnded(
      Promise.all([
        callMethod(this.#link, boot, { token: runner }, { deadlineMs }),
        openServicesLink(this.#services, services, deadlineMs),
      ]),
    ).then(() => undefined);
    this.#booted.catch(() => undefined);
    await this.#booted;
  }

  /** Hands the runner its function. @throws NexError `invalid_artifact` with the place in the source */
  async load(order: LoadOrder, artifactPath: string): Promise<LoadReply> {
    const { reply, stream } = this.#link.open(load.code, Buffer.from(JSON.stringify(order)), {
      deadlineMs: LOAD_DEADLINE_MS * this.#patience,
    });
    const answered = this.#unlessEnded(reply);
    answered.catch(() => undefined);
    try {
      for await (const chunk of createReadStream(artifactPath, { highWaterMark: 256 * 1024 }))
        await stream.write(chunk as Buffer);
      stream.end();
    } catch {
      // The runner refused or ended while the source was still under way; the answer says why.
    }
    try {
      return decode(load.name, load.reply, await answered);
    } catch (error) {
      if (error instanceof NexError && error.code === "deadline_exceeded") {
        throw new NexError(
          "invalid_artifact",
          `The function's top-level code did not finish within ${(LOAD_DEADLINE_MS * this.#patience) / 1000} s. Do slow work inside the function.`,
          { cause: error },
        );
      }
      throw error;
    }
  }

  /** Waits a moment, in which one that is dying by itself is gone. The node may notice the end of its link first. */
  async endsByItself(): Promise<boolean> {
    const moment = sleep(DYING_MS * Math.min(this.#patience, MOST_PATIENCE), undefined, { ref: false });
    await Promise.race([this.ended, moment]);
    return this.isOver;
  }

  /** TERM, grace, KILL. True if it had to be killed. */
  async end(graceMs: number): Promise<boolean> {
    const killed = await this.#group.end(graceMs);
    this.#link.close();
    return killed;
  }

  async #unlessEnded<T>(work: Promise<T>): Promise<T> {
    const ended = this.#group.ended.then(({ exitCode, signal }) => {
      throw new NexError(
        "sandbox_failed",
        `The runner ended while it was starting (${signal ?? `exit code ${exitCode}`}); its output is in the workload's logs.`,
        {
          data: { exit_code: exitCode, signal },
        },
      );
    });
    ended.catch(() => undefined);
    try {
      return await Promise.race([work, ended]);
    } catch (error) {
      // A link that closes because its process died says less than the death itself.
      if (error instanceof NexError && error.code === "link_closed")
        return await Promise.race([ended, rejectLater(error)]);
      throw error;
    }
  }

  #capture(output: NodeJS.ReadableStream | null, stream: "stdout" | "stderr"): void {
    const level = stream === "stdout" ? "info" : "error";
    const lines = new LineSplitter((line) => this.#logs.add(level, stream, line), PART_QUIET_MS);
    output?.on("data", (chunk: Buffer) => lines.push(chunk));
    output?.on("end", () => lines.end());
  }
}

/** Either both or none. */
async function dialTwice(address: LinkAddress): Promise<[Socket, Socket]> {
  const [first, second] = await Promise.allSettled([dial(address), dial(address)]);
  if (first.status === "fulfilled" && second.status === "fulfilled") return [first.value, second.value];
  for (const dialled of [first, second]) if (dialled.status === "fulfilled") dialled.value.destroy();
  throw first.status === "rejected" ? first.reason : (second as PromiseRejectedResult).reason;
}

/** A descriptor that is open already, or one that `opened` closes. */
function openProgram(path: string, opened: DisposableStack): number {
  const OPEN = "/proc/self/fd/";
  if (path.startsWith(OPEN)) return Number(path.slice(OPEN.length));
  const program = openSync(path, "r");
  opened.defer(() => closeSync(program));
  return program;
}

/** A socket to the node that this process never reads from: whatever arrives is for the runner. */
async function dial(address: LinkAddress): Promise<Socket> {
  const socket = address.kind === "unix" ? connect(address.path) : connect(address.port, address.host);
  socket.pause();
  await once(socket, "connect");
  return socket;
}

/** Long enough for the exit of a process to be noticed after its sockets have closed, ms. */
const EXIT_NOTICE_MS = 1000;

async function rejectLater(error: NexError): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, EXIT_NOTICE_MS).unref());
  throw error;
}
