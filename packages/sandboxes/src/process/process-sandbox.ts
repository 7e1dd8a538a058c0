import type { ChildProcess } from "node:child_process";
import { chown, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { isNexError, NexError } from "@nex/protocol";
import { AgentDescriptor, agentCommand, PROGRAMS_BY_DESCRIPTOR } from "../agent-command.ts";
import { endOf } from "../child-end.ts";
import { type LinkSocket, openLinkSocket } from "../link-socket.ts";
import { withoutInherited } from "@nex/system";
import { openFiles } from "../open-files.ts";
import { startProcess } from "../start-process.ts";
import { readLines } from "../output-lines.ts";
import type { Sandbox, SandboxDriver, SandboxEnd, SandboxOrder } from "../sandbox.ts";
import { SETPRIV, withoutRights } from "../setpriv.ts";
import { borrowUserId, killAllOf, returnUserId } from "./user-ids.ts";

const isRoot = process.getuid?.() === 0;

/**
 * The agent as a plain child process. Not a boundary: the workload sees the machine as any user of it does.
 * Where the node is root each sandbox has a user of its own, so that workloads cannot reach one another's files.
 */
export function createProcessDriver(): SandboxDriver {
  return processDriver;
}

const processDriver: SandboxDriver = {
  name: "process",
  isBoundary: false,
  network: "host",
  limits: new Set(),
  patience: 1,
  async unavailable() {
    if (isRoot && SETPRIV === undefined)
      return "the node is root and `setpriv` (package util-linux) is missing, so rights cannot be dropped";
    return undefined;
  },
  start: async (order) => await ProcessSandbox.start(order),
};

class ProcessSandbox implements Sandbox {
  readonly ended: Promise<SandboxEnd>;
  readonly #child: ChildProcess;
  readonly #socket: LinkSocket;
  readonly #order: SandboxOrder;
  readonly #uid: number | undefined;

  private constructor(order: SandboxOrder, child: ChildProcess, socket: LinkSocket, uid: number | undefined) {
    this.#order = order;
    this.#child = child;
    this.#socket = socket;
    this.#uid = uid;
    this.ended = endOf(child);
    for (const output of [child.stdout, child.stderr]) {
      if (output !== null) readLines(output, order.onOutput);
    }
  }

  static async start(order: SandboxOrder): Promise<ProcessSandbox> {
    const uid = isRoot ? await borrowUserId() : undefined;
    let socket: LinkSocket | undefined;
    try {
      socket = await openLinkSocket(order.directory, uid, order.onConnection);
      const work = await makeWorkDirectory(order.directory, uid);
      const child = await startAgent(order, `unix:${socket.path}`, work, uid);
      return new ProcessSandbox(order, child, socket, uid);
    } catch (cause) {
      socket?.close();
      if (uid !== undefined) returnUserId(uid);
      // Without a descriptor to look into it with it stays, until the node ends.
      await rm(order.directory, { recursive: true, force: true }).catch(() => undefined);
      if (isNexError(cause)) throw cause;
      throw new NexError("sandbox_failed", `A process sandbox could not be started: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /** There is nothing here that could hold a limit, and no deploy that names one comes this far. */
  async narrow(): Promise<void> {}

  async destroy(graceMs: number): Promise<void> {
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
    this.#signal("SIGKILL");
    if (this.#uid !== undefined) {
      await killAllOf(this.#uid);
      returnUserId(this.#uid);
    }
    this.#socket.close();
    await rm(this.#order.directory, { recursive: true, force: true });
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

/** @returns the working directory */
async function makeWorkDirectory(parent: string, uid: number | undefined): Promise<string> {
  const work = join(parent, "work");
  await mkdir(work, { mode: 0o700 });
  if (uid !== undefined) await chown(work, uid, uid);
  return work;
}

async function startAgent(
  order: SandboxOrder,
  link: string,
  work: string,
  uid: number | undefined,
): Promise<ChildProcess> {
  const { node, agent, runner } = order.programs;
  await using files = await openFiles([runner, agent, node]);
  const programs = process.platform === "linux" ? PROGRAMS_BY_DESCRIPTOR : order.programs;
  const [program, ...args] = [...withoutRights(uid), ...agentCommand(programs, work)];
  const child = await startProcess(program!, args, {
    cwd: work,
    env: {},
    detached: true,
    stdio: withoutInherited(["ignore", "pipe", "pipe", "pipe", ...files.descriptors]),
  });
  const metadata = child.stdio[AgentDescriptor.metadata] as Writable;
  metadata.on("error", () => undefined);
  metadata.end(JSON.stringify({ agent_id: order.agentId, link, token: order.issueToken() }));
  return child;
}
