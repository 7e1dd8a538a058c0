import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import { findProgram, isRunning, type ProcessIdentity, withoutInherited } from "@nex/system";
import type { ServerLog } from "./server-log.ts";

/** nats-server closes its streams in that time even with many of them; past it, it hangs. */
const GRACE_MS = 5_000;

/** A running nats-server, in a process group of its own so that Ctrl-C in a terminal reaches only the node. */
export class ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, to how: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    // A signal that cannot be sent; the one to a process that has ended is no concern.
    child.on("error", () => {});
    process.once("exit", this.#endNow);
    void this.exited.then(() => process.off("exit", this.#endNow));
  }

  /** @throws NexError `nats_server_failed` */
  static async start(program: string, configFile: string, log: ServerLog): Promise<ServerProcess> {
    const [file, ...args] = [...endsWithParent(), program, "--config", configFile];
    let child: ChildProcess;
    try {
      // For want of memory it throws, for want of files or processes it tells it later.
      child = spawn(file, args, { stdio: withoutInherited(["ignore", "ignore", log.fd]), detached: true });
      await once(child, "spawn");
    } catch (error) {
      throw new NexError("nats_server_failed", `${program} cannot be run: ${(error as Error).message}.`, {
        cause: error,
      });
    }
    return new ServerProcess(child, child.pid!);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Has the server read its configuration again. It tells nobody when it has. */
  reload(): void {
    this.#child.kill("SIGHUP");
  }

  /** SIGTERM, grace, SIGKILL. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGTERM");
    if (await endsWithin(this.exited, GRACE_MS)) return;
    this.#endNow();
    await this.exited;
  }

  readonly #endNow = (): void => {
    if (!this.running) return;
    trySignal(-this.pid, "SIGKILL");
  };
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended just now, or belongs to somebody else; who needs it gone looks whether it is.
  }
}

/** Ends a server that outlives its node: it still shuts down, or the kernel could not be asked to end it. */
export async function endOrphan(server: ProcessIdentity): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const end = performance.now() + GRACE_MS;
    if (!isRunning(server)) return;
    trySignal(server.pid, signal);
    while (isRunning(server) && performance.now() < end) await sleep(20);
  }
  if (!isRunning(server)) return;
  throw new NexError(
    "already_running",
    `A nats-server that an earlier node left behind (process ${server.pid}) still uses this directory and cannot be ended. End it, then try again.`,
    { data: { pid: server.pid } },
  );
}

/**
 * The kernel sends the server SIGTERM when the node dies, by kill -9 too. It does so when the starting thread ends,
 * which for Node's main thread is the same. See PR_SET_PDEATHSIG in prctl(2).
 */
function endsWithParent(): string[] {
  const setpriv = process.platform === "linux" ? findProgram("setpriv") : undefined;
  return setpriv === undefined ? [] : [setpriv, "--pdeathsig", "TERM", "--"];
}

async function endsWithin(exited: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const ended = await Promise.race([exited.then(() => true), late]);
  timer.abort();
  return ended;
}
