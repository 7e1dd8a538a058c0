import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StoreLock } from "./store-lock.ts";

const PREFIX = "nex-nats-";

/** A younger one may have been made by a node that has not yet taken its lock, ms. */
const SETTLED_MS = 60_000;

/** A new directory for a store that ends with its node. Takes away those of nodes that were killed. */
export async function makeEphemeralDirectory(): Promise<string> {
  for (const name of await readdir(tmpdir())) if (name.startsWith(PREFIX)) await removeIfLeft(join(tmpdir(), name));
  return await mkdtemp(join(tmpdir(), PREFIX));
}

export async function removeEphemeralDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

async function removeIfLeft(path: string): Promise<void> {
  try {
    const { uid, mtimeMs } = await stat(path);
    if (uid !== process.getuid?.() || Date.now() - mtimeMs < SETTLED_MS) return;
    // Whose node lives cannot be locked.
    (await StoreLock.take(path))[Symbol.dispose]();
    await removeEphemeralDirectory(path);
  } catch {
    // It is in use, or somebody else takes it away.
  }
}
