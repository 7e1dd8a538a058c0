import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "../hash.ts";
import { walk } from "../walk.ts";

/** Everything in the image belongs to root; the agent's directories are made when the machine starts. */
const OWNER = "0:0";

/**
 * One line for each entry below `root`, by path: type and permissions in octal, owner, size, SHA-256 or the target of
 * a link, path. Directories have no size.
 */
export async function listFiles(root: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { path, kind } of await walk(root)) {
    const file = join(root, path);
    const { mode, size } = await lstat(file);
    const head = `${mode.toString(8).padStart(6, "0")} ${OWNER}`;
    if (kind === "link") lines.push(`${head} - - /${path} -> ${await readlink(file)}`);
    else if (kind === "directory") lines.push(`${head} - - /${path}`);
    else lines.push(`${head} ${size} ${await hashFile(file)} /${path}`);
  }
  return lines;
}
