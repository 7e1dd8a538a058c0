import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { NexError } from "@nex/protocol";
import { isRunning, type ProcessIdentity, processIdentity } from "@nex/system";

const OWNER_FILE = "node.json";

/** By which a node knows directories of other nodes in a place that is not theirs alone. */
const PREFIX = "nex-node-";

/** A node's place for the sockets and working directories of its sandboxes. */
export interface RuntimeDirectory extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a directory of this node's own below `parent`, and removes those whose nodes have died.
 * @throws NexError `sandbox_refused` when sandboxes of other users could not reach it
 */
export async function makeRuntimeDirectory(parent: string): Promise<RuntimeDirectory> {
  try {
    await mkdir(parent, { recursive: true, mode: 0o711 });
    await checkOwner(parent);
    await removeOrphans(parent);
    const path = await mkdtemp(join(parent, PREFIX));
    await using unfinished = new AsyncDisposableStack();
    const remove = async (): Promise<void> => await rm(path, { recursive: true, force: true });
    unfinished.defer(remove);
    // Sandboxes have users of their own, who must get through but need not look around.
    await chmod(path, 0o711);
    if (process.getuid?.() === 0) await checkPassage(path);
    await writeFile(join(path, OWNER_FILE), JSON.stringify(processIdentity(process.pid)), { mode: 0o600 });
    unfinished.move();
    return { path, [Symbol.asyncDispose]: remove };
  } catch (cause) {
    if (cause instanceof NexError) throw cause;
    throw new NexError(
      "sandbox_failed",
      `The runtime directory below ${parent} cannot be made: ${(cause as Error).message}. Name another with runtime_directory.`,
      { cause },
    );
  }
}

async function removeOrphans(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    try {
      const owner = JSON.parse(await readFile(join(path, OWNER_FILE), "utf8")) as ProcessIdentity;
      if (!isRunning(owner)) await rm(path, { recursive: true, force: true });
    } catch {
      // Not ours, or just being made.
    }
  }
}

/** Whoever owns the directory, or may write to it, can put another in the place of ours. */
async function checkOwner(parent: string): Promise<void> {
  const { uid, mode } = await stat(parent);
  const isOthers = process.getuid !== undefined && uid !== process.getuid() && uid !== 0;
  // Where everybody may write, the sticky bit keeps them from what is not theirs.
  const isOpen = (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
  if (!isOthers && !isOpen) return;
  throw new NexError(
    "sandbox_refused",
    `The directory ${parent} ${isOthers ? "belongs to another user" : "can be written by everybody"}, who could take over the sandboxes in it. Name another with runtime_directory.`,
    { data: { directory: parent } },
  );
}

/** Every directory above must let other users through. */
async function checkPassage(path: string): Promise<void> {
  for (let directory = path; directory !== parse(path).root; directory = dirname(directory)) {
    const { mode } = await stat(directory);
    if ((mode & 0o001) === 0) {
      throw new NexError(
        "sandbox_refused",
        `Sandboxes have users of their own here, and those cannot pass through ${directory}. Make it passable (chmod o+x) or set runtime_directory.`,
        {
          data: { directory },
        },
      );
    }
  }
}
