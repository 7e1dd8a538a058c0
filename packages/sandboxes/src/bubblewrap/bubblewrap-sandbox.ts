import { constants } from "node:os";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import { agentCommand } from "../agent-command.ts";
import type { Cgroup } from "../cgroups/cgroup.ts";
import { findCgroups } from "../cgroups/cgroups.ts";
import { endOf } from "../child-end.ts";
import { LINK_SOCKET, type LinkSocket, openLinkSocket } from "../link-socket.ts";
import { readLines } from "../output-lines.ts";
import { borrowUserId, killAllOf, returnUserId } from "../process/user-ids.ts";
import type { Sandbox, SandboxConfig, SandboxEnd, SandboxLimits, SandboxOrder } from "../sandbox.ts";
import { withAllowance } from "./allowance.ts";
import { type Launched, launch } from "./launch.ts";
import { Place } from "./places.ts";

/** What a sandbox holds of this machine, and gives back at its end. */
interface Held {
  readonly uid: number | undefined;
  readonly socket: LinkSocket;
  readonly cgroup: Cgroup;
}

/** An agent in bubblewrap. */
export class BubblewrapSandbox implements Sandbox {
  readonly ended: Promise<SandboxEnd>;
  readonly #order: SandboxOrder;
  readonly #launched: Launched;
  readonly #held: Held;

  private constructor(order: SandboxOrder, launched: Launched, held: Held) {
    this.#order = order;
    this.#launched = launched;
    this.#held = held;
    const { child } = launched;
    this.ended = endOf(child).then(fromExitCode);
    for (const output of [child.stdout, child.stderr]) {
      if (output !== null) readLines(output, order.onOutput);
    }
  }

  /** @throws NexError `sandbox_failed` */
  static async start(order: SandboxOrder, config: SandboxConfig, bubblewrap: string): Promise<BubblewrapSandbox> {
    await using unfinished = new AsyncDisposableStack();
    try {
      const uid = process.getuid?.() === 0 ? await borrowUserId() : undefined;
      if (uid !== undefined) unfinished.defer(() => returnUserId(uid));
      unfinished.defer(async () => await rm(order.directory, { recursive: true, force: true }));
      const cgroup = findCgroups().create(order.agentId);
      unfinished.defer(async () => await cgroup.remove());
      cgroup.limit(withAllowance(config.limits));
      const socket = await openLinkSocket(order.directory, uid, order.onConnection);
      unfinished.defer(() => socket.close());
      const { diskBytes, shareNetwork } = config;
      const link = `unix:${join(Place.link, LINK_SOCKET)}`;
      const launched = await launch({
        uid,
        cgroupEntrances: cgroup.entrances,
        diskBytes,
        shareNetwork,
        bubblewrap,
        programs: order.programs,
        directory: order.directory,
        link: socket.directory,
        command: (programs) => agentCommand(programs, Place.work),
        metadata: JSON.stringify({ agent_id: order.agentId, link, token: order.issueToken() }),
      });
      unfinished.move();
      return new BubblewrapSandbox(order, launched, { uid, socket, cgroup });
    } catch (cause) {
      throw new NexError("sandbox_failed", `A bubblewrap sandbox could not be started: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  async narrow(limits: SandboxLimits): Promise<void> {
    this.#held.cgroup.limit(withAllowance(limits));
  }

  oomKills(): number {
    return this.#held.cgroup.oomKills();
  }

  async destroy(graceMs: number): Promise<void> {
    const over = new AbortController();
    const grace = sleep(graceMs, undefined, { signal: over.signal }).catch(() => undefined);
    if (graceMs > 0) await this.#askAgent();
    await Promise.race([this.ended, grace]);
    over.abort();
    await this.#kill();
    const { uid, socket, cgroup } = this.#held;
    if (uid !== undefined) await killAllOf(uid);
    await cgroup.remove();
    socket.close();
    await rm(this.#order.directory, { recursive: true, force: true });
    if (uid !== undefined) returnUserId(uid);
  }

  /** The agent is the one child that the sandbox's first process has started. */
  async #askAgent(): Promise<void> {
    const init = await this.#init();
    if (init === undefined) return;
    const children = await readFile(`/proc/${init}/task/${init}/children`, "latin1").catch(() => "");
    const agent = Number(children.split(" ")[0]);
    if (agent > 0) signal(agent, "SIGTERM");
  }

  /**
   * With the first process of a process namespace the kernel ends all that is in it, and bubblewrap outside ends
   * after them.
   */
  async #kill(): Promise<void> {
    const init = await this.#init();
    if (init !== undefined) signal(init, "SIGKILL");
    else if (this.#launched.child.pid !== undefined) signal(-this.#launched.child.pid, "SIGKILL");
    await this.ended;
  }

  /** `undefined` once it has ended: its number may be another's then. */
  async #init(): Promise<number | undefined> {
    const over = this.ended.then(() => undefined);
    const init = await Promise.race([over, this.#launched.init]);
    return await Promise.race([over, Promise.resolve(init)]);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** Bubblewrap ends with 128 and the number of the signal that ended what it ran. */
function fromExitCode(end: SandboxEnd): SandboxEnd {
  const number = (end.exitCode ?? 0) - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined ? end : { exitCode: null, signal: name };
}
