import { DatabaseSync } from "node:sqlite";

/** Result code of SQLite: somebody else has the lock. https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Takes the lock of a file, which it makes if need be; `undefined` if it is taken, by another process or in this one.
 *
 * A file that names its owner cannot be taken over from a dead one without a race, so the lock itself is the
 * kernel's: it ends with the process that holds it, however that ends, and nothing can be left stale. Node has
 * no call for it, but the SQLite it carries takes exactly such a lock on its file.
 *
 * @throws Error of SQLite where the file can be neither opened nor made
 */
export function lockFile(path: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // Nothing is ever written, so the journal needs no file of its own.
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    if (database?.isOpen === true) database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  const taken = database;
  return {
    [Symbol.dispose]: () => {
      if (taken.isOpen) taken.close();
    },
  };
}
