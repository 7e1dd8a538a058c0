import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import { z } from "zod";
import { writePrivateFile } from "./private-files.ts";
import { lockFile, type ProcessIdentity, processIdentity } from "@nex/system";

const identity = z.object({ pid: z.int().positive(), started: z.string() });
const ownerSchema = z.object({ node: identity.optional(), server: identity.optional() });

/** Who has the lock, or had it last. Only for messages and for ending a server left over: the lock is the kernel's. */
export interface StoreOwner {
  readonly node?: ProcessIdentity | undefined;
  readonly server?: ProcessIdentity | undefined;
}

/** The right to run a server on a store directory: ends with the process that has it, however that ends. */
export class StoreLock implements Disposable {
  readonly #directory: string;
  readonly #lock: Disposable;
  /** Who had the lock before. */
  readonly previous: StoreOwner;

  private constructor(directory: string, lock: Disposable, previous: StoreOwner) {
    this.#directory = directory;
    this.#lock = lock;
    this.previous = previous;
  }

  /** @throws NexError `already_running`, `nats_server_failed` */
  static async take(directory: string): Promise<StoreLock> {
    const taken = takeLock(directory);
    const owner = await readOwner(directory);
    if (taken === undefined) {
      const who = owner.node === undefined ? "Another process" : `Process ${owner.node.pid}`;
      throw new NexError(
        "already_running",
        `${who} already runs an embedded NATS server in ${directory}. Stop it, use its server with --server, or start this one with --ephemeral or in another directory.`,
        { data: { directory, ...(owner.node === undefined ? {} : { pid: owner.node.pid }) } },
      );
    }
    const lock = new StoreLock(directory, taken, owner);
    try {
      await lock.record(undefined);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    return lock;
  }

  /** Notes the server that runs under this lock, or that none does yet. */
  async record(serverPid: number | undefined): Promise<void> {
    const owner: StoreOwner = {
      node: processIdentity(process.pid),
      // Until the new server is known the old one stays noted, so that a crash in between does not forget it.
      server: serverPid === undefined ? this.previous.server : processIdentity(serverPid),
    };
    await writePrivateFile(ownerFile(this.#directory), `${JSON.stringify(owner)}\n`);
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

function takeLock(directory: string): Disposable | undefined {
  const path = join(directory, "lock");
  try {
    return lockFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NexError(
      "nats_server_failed",
      `The lock ${path} cannot be taken: ${reason}. Check the directory's rights.`,
      { cause: error },
    );
  }
}

async function readOwner(directory: string): Promise<StoreOwner> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(ownerFile(directory), "utf8")));
  } catch {
    return {};
  }
}

function ownerFile(directory: string): string {
  return join(directory, "owner.json");
}
