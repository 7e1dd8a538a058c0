import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";

import type { Writable } from "node:stream";
import { NexError } from "@nex/protocol";
import { readLines } from "../output-lines.ts";
import type { Sandbox, SandboxDriver, SandboxEnd, SandboxOrder } from "../sandbox.ts";
import { borrowUserId, killAllOf, returnUserId } from "./user-ids.ts";

/** An agent holds little and does little: keep V8 small and without helper threads. */
const V8_FLAGS = ["--max-old-space-size=96", "--max-semi-space-size=1", "--v8-pool-size=1"];

/** Part of util-linux, which every Debian has; ties the agent's life to the node's and drops rights. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => process.platform === "linux" && existsSync(path));

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
  readonly #server: Server;
  readonly #order: SandboxOrder;
  readonly #uid: number | undefined;

  private constructor(order: SandboxOrder, child: ChildProcess, server: Server, uid: number | undefined) {
    this.#order = order;
    this.#child = child;
    this.#server = server;
    this.#uid = uid;
    this.ended = watch(child);
    for (const output of [child.stdout, child.stderr]) {
      if (output !== null) readLines(output, order.onOutput);
    }
  }

  static async start(order: SandboxOrder): Promise<ProcessSandbox> {
    const uid = isRoot ? await borrowUserId() : undefined;
    const socketPath = join(order.directory, "link", "node.sock");
    const work = join(order.directory, "work");
    const server = createServer({ pauseOnConnect: false }, order.onConnection);
    try {
      await makeDirectories(order.directory, work, uid);
      server.listen(socketPath);
      await once(server, "listening");
      await chmod(socketPath, 0o600);
      if (uid !== undefined) await chown(socketPath, uid, uid);
      const child = await startAgent(order, `unix:${socketPath}`, work, uid);
      return new ProcessSandbox(order, child, server, uid);
    } catch (cause) {
      server.close();
      await rm(order.directory, { recursive: true, force: true });
      if (uid !== undefined) returnUserId(uid);
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
    this.#server.close();
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

async function makeDirectories(directory: string, work: string, uid: number | undefined): Promise<void> {
  // The sandbox's user must get through to its own two, but not list what lies beside them.
  const link = join(directory, "link");
  await mkdir(link, { recursive: true });
  // Not as the mode of mkdir, from which the process's umask is taken.
  await Promise.all([chmod(directory, 0o711), chmod(link, 0o711)]);
  await mkdir(work, { mode: 0o700 });
  if (uid !== undefined) await chown(work, uid, uid);
}

/** Descriptors of an agent beyond output and error: metadata, then the programs, so that no path must be open to its user. */
const AgentDescriptor = { metadata: 3, runner: 4, agent: 5, node: 6 } as const;

async function startAgent(
  order: SandboxOrder,
  link: string,
  work: string,
  uid: number | undefined,
): Promise<ChildProcess> {
  const { node, agent, runner } = order.programs;
  const files: FileHandle[] = [];
  try {
    // One after another: of several at once, those that opened would be lost, and stay open, when one fails.
    for (const program of [runner, agent, node]) files.push(await open(program));
    const byDescriptor = process.platform === "linux";
    const path = (descriptor: number, otherwise: string): string =>
      byDescriptor ? `/proc/self/fd/${descriptor}` : otherwise;
    const command = [
      path(AgentDescriptor.node, node),
      ...V8_FLAGS,
      "--preserve-symlinks-main",
      path(AgentDescriptor.agent, agent),
      "--runner",
      path(AgentDescriptor.runner, runner),
      "--directory",
      work,
    ];
    const [program, ...args] = SETPRIV === undefined ? command : [SETPRIV, ...dropRights(uid), "--", ...command];
    const child = spawn(program!, args, {
      cwd: work,
      env: {},
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", ...files.map((file) => file.fd)],
    });
    // A failed start shows as the child's end; without a listener it would end the node.
    child.on("error", (error) => order.onOutput(error.message));
    const metadata = child.stdio[AgentDescriptor.metadata] as Writable;
    metadata.on("error", () => undefined);
    metadata.end(JSON.stringify({ agent_id: order.agentId, link, token: order.issueToken() }));
    return child;
  } finally {
    await Promise.all(files.map(async (file) => await file.close()));
  }
}

function dropRights(uid: number | undefined): string[] {
  const always = ["--pdeathsig", "KILL", "--no-new-privs"];
  return uid === undefined
    ? always
    : [...always, "--reuid", String(uid), "--regid", String(uid), "--clear-groups", "--bounding-set", "-all"];
}

async function watch(child: ChildProcess): Promise<SandboxEnd> {
  // It may have ended already, while our copies of its descriptors were being closed.
  const { pid, exitCode: code, signalCode } = child;
  if (pid === undefined) return { exitCode: 127, signal: null };
  if (code !== null || signalCode !== null) return { exitCode: code, signal: signalCode };
  try {
    const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
    return { exitCode, signal };
  } catch {
    return { exitCode: 127, signal: null };
  }
}
