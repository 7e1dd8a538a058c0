import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NexError } from "@nex/protocol";
import { z } from "zod";
import { writePrivateFile } from "./private-files.ts";
import { type ProcessIdentity, processIdentity } from "@nex/system";

/** Result code of SQLite: somebody else has the lock. https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

const identity = z.object({ pid: z.int().positive(), started: z.string() });
const ownerSchema = z.object({ node: identity.optional(), server: identity.optional() });

/** Who has the lock, or had it last. Only for messages and for ending a server left over: the lock is the kernel's. */
export interface StoreOwner {
  readonly node?: ProcessIdentity | undefined;
  readonly server?: ProcessIdentity | undefined;
}

/**
 * The right to run a server on a store directory.
 *
 * A file that names its owner cannot be taken over from a dead one without a race, so the lock itself is the
 * kernel's: it ends with the process that holds it, however that ends, and nothing can be left stale. Node has
 * no call for it, but the SQLite it carries takes exactly such a lock on its file.
 */
export class StoreLock implements Disposable {
  readonly #directory: string;
  readonly #database: DatabaseSync;
  /** Who had the lock before. */
  readonly previous: StoreOwner;

  private constructor(directory: string, database: DatabaseSync, previous: StoreOwner) {
    this.#directory = directory;
    this.#database = database;
    this.previous = previous;
  }

  /** @throws NexError `already_running`, `nats_server_failed` */
  static async take(directory: string): Promise<StoreLock> {
    const database = lockFile(directory);
    const owner = await readOwner(directory);
    if (database === undefined) {
      const who = owner.node === undefined ? "Another process" : `Process ${owner.node.pid}`;
      throw new NexError(
        "already_running",
        `${who} already runs an embedded NATS server in ${directory}. Stop it, use its server with --server, or start this one with --ephemeral or in another directory.`,
        { data: { directory, ...(owner.node === undefined ? {} : { pid: owner.node.pid }) } },
      );
    }
    const lock = new StoreLock(directory, database, owner);
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
    if (this.#database.isOpen) this.#database.close();
  }
}

function lockFile(directory: string): DatabaseSync | undefined {
  const path = join(directory, "lock");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // Nothing is ever written, so the journal needs no file of its own.
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    if (database?.isOpen === true) database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new NexError(
      "nats_server_failed",
      `The lock ${path} cannot be taken: ${reason}. Check the directory's rights.`,
      {
        cause: error,
      },
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
