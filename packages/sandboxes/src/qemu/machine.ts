import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endOf } from "../child-end.ts";
import { withoutInherited } from "@nex/system";
import { openFiles } from "../open-files.ts";
import { startProcess } from "../start-process.ts";
import { readLines } from "../output-lines.ts";
import type { SandboxEnd } from "../sandbox.ts";
import { withoutRights } from "../setpriv.ts";
import { type MachineOptions, MONITOR_SOCKET, qemuArguments } from "./command-line.ts";
import { MachineConsole } from "./machine-console.ts";
import { QmpClient } from "./qmp-client.ts";

/** For what QEMU has written before its end to be read, ms. */
const LAST_LINES_MS = 500;

export interface MachineStart extends MachineOptions {
  readonly qemu: string;
  /** Its working directory. */
  readonly directory: string;
  /** The user that QEMU runs as; ours if `undefined`. */
  readonly uid: number | undefined;
  /** That this user is in besides: the one that may use KVM. */
  readonly groups?: readonly number[];
  /** Descriptor of a saved state, to read from or write to. */
  readonly state?: number;
  readonly onLine: (line: string) => void;
}

/** One QEMU with its virtual machine. It ends with the node, however that ends. */
export class Machine {
  /** Resolves with how, and in words for people why. */
  readonly ended: Promise<SandboxEnd>;
  readonly #child: ChildProcess;
  readonly #console: MachineConsole;
  readonly #directory: string;
  #isAsked = false;

  private constructor(child: ChildProcess, start: MachineStart) {
    this.#child = child;
    this.#directory = start.directory;
    this.#console = new MachineConsole(start.onLine);
    if (child.stdout !== null) readLines(child.stdout, this.#console.take);
    if (child.stderr !== null) readLines(child.stderr, start.onLine);
    this.ended = this.#watch();
  }

  static async start(start: MachineStart): Promise<Machine> {
    const { spec, qemu, directory, uid, groups, state } = start;
    const { kernel, initramfs, rootfs } = spec.image;
    await using files = await openFiles([kernel, initramfs, rootfs]);
    const [program, ...args] = [...withoutRights(uid, groups), qemu, ...qemuArguments(start)];
    const child = await startProcess(program!, args, {
      cwd: directory,
      // QEMU looks for its modules and, for what it is asked to start, for programs: by full paths only.
      env: {},
      detached: true,
      stdio: withoutInherited([
        "ignore",
        "pipe",
        "pipe",
        ...files.descriptors,
        ...(state === undefined ? [] : [state]),
      ]),
    });
    return new Machine(child, start);
  }

  get oomKills(): number {
    return this.#console.oomKills;
  }

  async openMonitor(signal: AbortSignal): Promise<QmpClient> {
    const gone = new AbortController();
    void this.ended.then(() => gone.abort(new Error("QEMU has ended.")));
    return await QmpClient.connect(join(this.#directory, MONITOR_SOCKET), AbortSignal.any([signal, gone.signal]));
  }

  /** Asks QEMU to end, and kills it after `graceMs`. There is nothing in the machine that would have to be saved. */
  async end(graceMs: number): Promise<void> {
    this.#isAsked = true;
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
    // What carried connections of the guest.
    this.#signal("SIGKILL");
  }

  async #watch(): Promise<SandboxEnd> {
    const end = await endOf(this.#child);
    const { stdout } = this.#child;
    // The last lines may still be in the pipe.
    if (stdout?.closed === false)
      await Promise.race([once(stdout, "close"), sleep(LAST_LINES_MS, undefined, { ref: false })]);
    const { panic } = this.#console;
    if (panic !== undefined) return { ...end, reason: `the kernel in the machine panicked: ${panic}` };
    if (this.#isAsked) return end;
    if (end.exitCode === 0) return { ...end, reason: "the machine was powered off or reset from inside" };
    return end;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone already.
    }
  }
}
