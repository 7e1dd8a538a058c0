import { statSync } from "node:fs";
import { join } from "node:path";
import { processes } from "@nex/testing";
import type { Sandbox, SandboxDriver, SandboxOrder } from "@nex/sandboxes";
import { createProcessDriver } from "@nex/sandboxes/testing";

/** One sandbox that was started. */
export interface SeenSandbox {
  readonly id: string;
  readonly directory: string;
  /** User its processes run as; `undefined` where the node is not root. */
  readonly uid: number | undefined;
  /** Of the agent, as this machine numbers it; 0 while there is none. */
  readonly pid: number;
}

/** However a sandbox starts it, an agent on Linux is a Node that begins like this. */
const AGENT = /^\/proc\/self\/fd\/\d+ --max-old-space-size=/;

/** A sandbox driver itself, with a record of all that were started. */
export class SandboxWatch {
  readonly seen: SeenSandbox[] = [];
  readonly driver: SandboxDriver;

  constructor(watched: SandboxDriver = createProcessDriver()) {
    this.driver = { ...watched, start: async (order) => await this.#start(watched, order) };
  }

  async #start(watched: SandboxDriver, order: SandboxOrder): Promise<Sandbox> {
    const sandbox = await watched.start(order);
    const { agentId: id, directory } = order;
    const uid = process.getuid?.() === 0 ? ownerOf(join(directory, "link", "node.sock")) : undefined;
    this.seen.push({
      id,
      directory,
      uid,
      get pid() {
        return agentBelow(directory);
      },
    });
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

/** A sandbox without such a socket has no user of this machine's either. */
function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

/** The agent itself, or what walls it in, has the sandbox's directory in its command line. */
function agentBelow(directory: string): number {
  const all = processes();
  const family = new Set(all.filter(({ command }) => command.includes(directory)).map(({ pid }) => pid));
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.find(({ pid, command }) => family.has(pid) && AGENT.test(command))?.pid ?? 0;
}
