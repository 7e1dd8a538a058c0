import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { existsSync, openSync, writeFileSync } from "node:fs";
import { once } from "node:events";

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessGroupOptions {
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly stdio: StdioOptions;
  readonly argv0?: string;
}

/** Ties a child's life to ours, so that even `kill -9` of the agent leaves nothing behind. Part of util-linux. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => process.platform === "linux" && existsSync(path));

/** A child process that leads a group of its own, with all it starts. */
export class ProcessGroup {
  readonly child: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  #isOver = false;
  #startError: Error | undefined;

  /** Why the program could not be started, where that showed after all. Its end then has the exit code 127. */
  get startError(): Error | undefined {
    return this.#startError;
  }

  /**
   * Throws what `spawn` throws, as for arguments that the kernel does not take.
   * @param program a path, or a descriptor of the child's such as `/proc/self/fd/6`
   */
  constructor(program: string, options: ProcessGroupOptions) {
    const direct = SETPRIV === undefined;
    this.child = spawn(
      direct ? program : SETPRIV,
      direct ? options.arguments : ["--pdeathsig", "KILL", "--", program, ...options.arguments],
      {
        detached: true,
        env: options.env,
        cwd: options.directory,
        stdio: options.stdio,
        ...(direct && options.argv0 !== undefined ? { argv0: options.argv0 } : {}),
      },
    );
    if (this.child.pid !== undefined) offerToKernel(this.child.pid);
    this.ended = this.#watch();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    // Once the leader was collected its number may be another's.
    if (pid === undefined || this.#isOver) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** SIGTERM to the group, up to `graceMs` of waiting, then SIGKILL. True if it had to be killed. */
  async end(graceMs: number): Promise<boolean> {
    if (this.#isOver) return false;
    let killed = false;
    this.signal("SIGTERM");
    const timer = setTimeout(() => {
      killed = true;
      this.signal("SIGKILL");
    }, graceMs);
    await this.ended;
    clearTimeout(timer);
    return killed;
  }

  async #watch(): Promise<ProcessEnd> {
    try {
      const [exitCode, signal] = (await once(this.child, "exit")) as [number | null, NodeJS.Signals | null];
      return { exitCode, signal };
    } catch (error) {
      this.#startError = error as Error;
      return { exitCode: 127, signal: null };
    } finally {
      // The leader is gone; what it started and left behind goes too.
      this.signal("SIGKILL");
      this.#isOver = true;
    }
  }
}

/** Where memory runs out the kernel is to end what uses it, not the agent that has to report it. 0 is usual, 1000 most. */
const OOM_SCORE = "600";

function offerToKernel(pid: number): void {
  if (process.platform !== "linux") return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE);
  } catch {
    // It has ended already, or the system keeps this to itself: the kernel then decides by size alone.
  }
}

/** Descriptor of the Node that runs this process: its path may lie where this user cannot go. */
export function openOwnProgram(): number | undefined {
  return process.platform === "linux" ? openSync("/proc/self/exe", "r") : undefined;
}
