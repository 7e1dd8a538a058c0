import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import { withoutInherited } from "@nex/system";
import { startProcess } from "../start-process.ts";
import { readLines } from "../output-lines.ts";
import { borrowUserId, killAllOf, returnUserId } from "../process/user-ids.ts";
import type { SandboxEnd } from "../sandbox.ts";
import type { VmSpec } from "../vm/vm-spec.ts";
import { ApiClient } from "./api/api-client.ts";
import { sendCtrlAltDel } from "./api/requests.ts";
import { type Cgroups, removeCgroups } from "./cgroup.ts";
import { type Jail, JailPath, type JailPlace, jailerCommand, jailsDirectory, makeJail, removeJail } from "./jail.ts";
import { listenInNamespace } from "./link-listener.ts";
import { machineName } from "./machine-name.ts";
import { makeNetwork, removeNetwork } from "./network-namespace.ts";

/** Between the jailer's start and Firecracker's socket, ms. It takes hundredths of a second. */
const SOCKET_LIMIT_MS = 10_000;

/** Between TERM and KILL of Firecracker, which has nothing to finish, ms. */
const TERM_GRACE_MS = 200;

/** What of this computer machines are made with. */
export interface MachineHost extends JailPlace {
  readonly cgroups: Cgroups;
}

export interface MachineOrder {
  /** Letters `a` to `v` and digits, 20 at most. */
  readonly id: string;
  readonly spec: VmSpec;
  /** Processor time it is held to; `undefined` for no limit. */
  readonly cpus: number | undefined;
  /** Source on this computer by path in the jail. */
  readonly files: Readonly<Record<string, string>>;
  readonly onConnection: (socket: Socket) => void;
  /** A line of the guest's console, or of the jailer's or Firecracker's own. */
  readonly onOutput: (line: string) => void;
}

/** A Firecracker in its jail, with everything on this computer that belongs to it. What its guest is, is said by its API. */
export class Machine {
  readonly name: string;
  readonly jail: Jail;
  readonly api: ApiClient;
  readonly ended: Promise<SandboxEnd>;
  readonly #child: ChildProcess;
  readonly #resources: AsyncDisposableStack;
  readonly #onOutput: (line: string) => void;
  #hasEnded = false;

  private constructor(jail: Jail, child: ChildProcess, resources: AsyncDisposableStack, order: MachineOrder) {
    this.name = jail.name;
    this.jail = jail;
    this.api = new ApiClient(join(jail.root, JailPath.socket));
    this.#child = child;
    this.#resources = resources;
    this.#onOutput = order.onOutput;
    this.ended = this.#watch();
  }

  /** Starts a Firecracker that has been told nothing yet. @throws NexError `sandbox_failed`, `missing_tool` */
  static async launch(host: MachineHost, order: MachineOrder): Promise<Machine> {
    await using resources = new AsyncDisposableStack();
    const name = machineName(order.id);
    const uid = await borrowUserId();
    resources.defer(() => returnUserId(uid));
    resources.defer(async () => await removeJail({ directory: join(jailsDirectory(host), name) }));
    const jail = await makeJail(host, name, uid, order.files);
    await makeNetwork(name, uid);
    resources.defer(async () => await removeNetwork(name));
    resources.defer(async () => await removeCgroups(host.cgroups, name));
    const server = await listenInNamespace(name, order.onConnection);
    resources.defer(() => void server.close());

    const said: string[] = [];
    const [program, args] = jailerCommand(host, jail, { ...order, cgroups: host.cgroups });
    const child = await startProcess(program, args, {
      detached: true,
      stdio: withoutInherited(["ignore", "pipe", "pipe"]),
      env: {},
      cwd: "/",
    });
    const machine = new Machine(jail, child, resources.move(), order);
    for (const output of [child.stdout, child.stderr]) {
      if (output === null) continue;
      readLines(output, (line) => {
        if (said.length < 10) said.push(line);
        order.onOutput(line);
      });
    }
    try {
      await machine.#whenReady();
      return machine;
    } catch (cause) {
      await machine.destroy(0);
      const words = said.length === 0 ? "" : ` It said: ${said.join(" / ")}`;
      throw new NexError("sandbox_failed", `${(cause as Error).message}.${words}`, { cause });
    }
  }

  /** Ends the guest, then Firecracker, and takes back everything. Never throws. */
  async destroy(graceMs: number): Promise<void> {
    await this.end(graceMs);
    try {
      await this.#resources.disposeAsync();
    } catch (error) {
      this.#onOutput(`Something of the machine could not be taken away: ${(error as Error).message}`);
    }
  }

  /** Ends the guest within `graceMs` if it does as it is told, then Firecracker in any case. */
  async end(graceMs: number): Promise<void> {
    if (graceMs > 0 && !this.#hasEnded) {
      const asked = this.api.send(sendCtrlAltDel).then(
        async () => await this.#endsWithin(graceMs),
        () => undefined,
      );
      await Promise.race([asked, this.#endsWithin(graceMs)]);
    }
    for (const [signal, waitMs] of [
      ["SIGTERM", TERM_GRACE_MS],
      ["SIGKILL", 0],
    ] as const) {
      if (this.#hasEnded) break;
      this.#signal(signal);
      if (waitMs > 0) await this.#endsWithin(waitMs);
    }
    await this.ended;
    // What may have left the process group cannot have left its user.
    await killAllOf(this.jail.uid);
  }

  async #whenReady(): Promise<void> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error(`not within ${SOCKET_LIMIT_MS / 1000} s`)), SOCKET_LIMIT_MS);
    void this.ended.then(({ exitCode, signal }) =>
      abort.abort(new Error(`it ended (${signal ?? `exit code ${exitCode}`})`)),
    );
    try {
      await this.api.whenReady(abort.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #endsWithin(ms: number): Promise<void> {
    const waited = new AbortController();
    await Promise.race([this.ended, sleep(ms, undefined, { signal: waited.signal }).catch(() => undefined)]);
    waited.abort();
  }

  /** To the whole group: the jailer's guardians and Firecracker. */
  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch {
      // The group is gone already.
    }
  }

  async #watch(): Promise<SandboxEnd> {
    try {
      const [exitCode, signal] = (await once(this.#child, "exit")) as [number | null, string | null];
      return { exitCode, signal };
    } catch {
      return { exitCode: 127, signal: null };
    } finally {
      this.#hasEnded = true;
    }
  }
}
