import { access, constants, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import { lockFile, stateHome } from "@nex/system";

/** Rights of everybody but the owner. */
const OTHERS = 0o077;

/** Where the node of a user keeps its state, unless another place is named. */
export function defaultStateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return join(stateHome(env), "nex", "node");
}

/** What a node keeps of itself between its starts: the seeds of its keys. One node at a time uses it. */
export class StateDirectory implements Disposable {
  readonly #path: string;
  readonly #lock: Disposable;

  private constructor(path: string, lock: Disposable) {
    this.#path = path;
    this.#lock = lock;
  }

  /** @throws NexError `already_running` where another node uses it, `state_unusable` */
  static async open(path: string): Promise<StateDirectory> {
    let lock: Disposable | undefined;
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await access(path, constants.W_OK);
      lock = lockFile(join(path, "lock"));
    } catch (cause) {
      throw unusable(path, `cannot be used: ${(cause as Error).message}`, cause);
    }
    if (lock !== undefined) return new StateDirectory(path, lock);
    throw new NexError(
      "already_running",
      `Another node already uses the state directory ${path}. Stop it, give this one a directory of its own with --state-directory (state_directory in its config), or start it with --ephemeral.`,
      { data: { directory: path } },
    );
  }

  /** The seed in a file of this directory; `create` makes it where there is none yet. @throws NexError `state_unusable` */
  async seed(name: string, create: () => string): Promise<string> {
    const path = join(this.#path, name);
    try {
      return (await readPrivate(path)) ?? (await writeOnce(path, create()));
    } catch (cause) {
      if (cause instanceof NexError) throw cause;
      throw unusable(path, `cannot be read or written: ${(cause as Error).message}`, cause);
    }
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

/** The seed in a file of a state directory, for whoever does not run the node. @throws NexError `state_unusable`, `file_not_found` */
export async function readKeptSeed(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  const seed = await readPrivate(path).catch((cause: unknown) => {
    if (cause instanceof NexError) throw cause;
    throw unusable(path, `cannot be read: ${(cause as Error).message}`, cause);
  });
  if (seed !== undefined) return seed;
  throw new NexError(
    "file_not_found",
    `There is no key in ${directory}. Start the node once (nex up), or say where it keeps its state (--state-directory).`,
    { data: { path } },
  );
}

/** `undefined` if there is no such file. */
async function readPrivate(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  if (process.platform !== "win32" && (found.mode & OTHERS) !== 0) {
    throw unusable(
      path,
      `holds a secret key and other users may read it. If nobody has, take that right away (chmod 600 ${path})`,
    );
  }
  return (await readFile(path, "utf8")).trim();
}

/** Whole or not at all: a key that was cut off by a full disk would be another one. */
async function writeOnce(path: string, seed: string): Promise<string> {
  const unfinished = `${path}.new`;
  try {
    await using file = await open(unfinished, "w", 0o600);
    await file.writeFile(`${seed}\n`);
    await file.sync();
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await rename(unfinished, path);
  return seed;
}

function unusable(path: string, why: string, cause?: unknown): NexError {
  return new NexError("state_unusable", `${path} ${why}.`, { data: { path }, cause });
}
