import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { processAlive } from "@nex/testing";
import { createProcessDriver } from "../../src/sandboxes/process/process-sandbox.ts";
import type { Sandbox, SandboxDriver, SandboxOrder } from "../../src/sandboxes/sandbox.ts";

/** One sandbox that was started. */
export interface SeenSandbox {
  readonly id: string;
  readonly directory: string;
  /** User its processes run as; `undefined` where the node is not root. */
  readonly uid: number | undefined;
  /** Of the agent. */
  readonly pid: number;
}

/** A sandbox driver itself, with a record of all that were started. */
export class SandboxWatch {
  readonly seen: SeenSandbox[] = [];
  readonly driver: SandboxDriver;

  constructor(watched: SandboxDriver = createProcessDriver()) {
    this.driver = { ...watched, start: async (order) => await this.#start(watched, order) };
  }

  async #start(watched: SandboxDriver, order: SandboxOrder): Promise<Sandbox> {
    const sandbox = await watched.start(order);
    const { uid } = statSync(join(order.directory, "work"));
    const isRoot = process.getuid?.() === 0;
    const pid = processes().find(({ command }) => command.includes(join(order.directory, "work")))?.pid ?? 0;
    this.seen.push({ id: order.agentId, directory: order.directory, uid: isRoot ? uid : undefined, pid });
    return sandbox;
  }

  find(id: string): SeenSandbox {
    const found = this.seen.find((sandbox) => sandbox.id === id);
    if (found === undefined) throw new Error(`No sandbox ${id} was started.`);
    return found;
  }

  /** Processes that belong to sandboxes seen here, each as a line for a person. */
  processes(): string[] {
    const uids = new Set(this.seen.map(({ uid }) => uid).filter((uid) => uid !== undefined));
    const directories = this.seen.map(({ directory }) => directory);
    return processes()
      .filter(({ uid, command }) => uids.has(uid) || directories.some((directory) => command.includes(directory)))
      .map(({ pid, uid, command }) => `process ${pid} of user ${uid}: ${command}`);
  }
}

export interface ProcessEntry {
  readonly pid: number;
  readonly uid: number;
  readonly command: string;
}

/** All living processes of this machine. */
export function processes(): ProcessEntry[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && processAlive(pid))
    .flatMap((pid) => {
      try {
        const uid = Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
        return [{ pid, uid, command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return [];
      }
    });
}
