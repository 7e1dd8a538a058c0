import { readdir } from "node:fs/promises";
import { join } from "node:path";

export type EntryKind = "directory" | "file" | "link";

export interface TreeEntry {
  /** Relative to where the walk began. */
  readonly path: string;
  readonly kind: EntryKind;
}

/**
 * Everything below a directory, sorted by bytes and not by locale, directories before what lies in them. Node's own
 * recursive `readdir` follows symbolic links.
 */
export async function walk(root: string, below = ""): Promise<readonly TreeEntry[]> {
  const found: TreeEntry[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    const kind = entry.isDirectory() ? "directory" : entry.isSymbolicLink() ? "link" : "file";
    found.push({ path, kind });
    if (kind === "directory") found.push(...(await walk(root, path)));
  }
  return found.sort((one, other) => (one.path < other.path ? -1 : 1));
}
