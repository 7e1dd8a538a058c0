import { chmod, lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../tools.ts";
import { walk } from "../walk.ts";
import type { FetchedPackage } from "./apt.ts";
import { mergedPath } from "./packages.ts";

/**
 * Moves those files of a package into `target` whose merged path `keep` matches. Rights to change who one is
 * (set-user-id and the like) stay behind. @param scratch for the whole package, meanwhile
 */
export async function unpack(
  { name, file }: FetchedPackage,
  keep: RegExp,
  target: string,
  scratch: string,
  signal?: AbortSignal,
): Promise<void> {
  const whole = join(scratch, name);
  await mkdir(whole, { recursive: true });
  await run("dpkg-deb", ["--extract", file, whole], { signal });
  for (const entry of await walk(whole)) {
    const path = mergedPath(entry.path);
    if (entry.kind === "directory" || !keep.test(path)) continue;
    const source = join(whole, entry.path);
    const place = join(target, path);
    await mkdir(dirname(place), { recursive: true });
    if (entry.kind === "file") await chmod(source, (await lstat(source)).mode & 0o755);
    await rename(source, place);
  }
  await rm(whole, { recursive: true, force: true });
}
