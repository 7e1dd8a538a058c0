import { chmod, lstat, lutimes } from "node:fs/promises";
import { join } from "node:path";
import { walk } from "../walk.ts";
import { MODES } from "./layout.ts";

/** Makes permissions and times those of the image, whatever the umask and the hour of the build. */
export async function normalize(root: string): Promise<void> {
  const entries = [...(await walk(root)), { path: "", kind: "directory" }];
  for (const { path, kind } of entries) {
    const place = join(root, path);
    if (kind !== "link") await chmod(place, modeOf(path, kind === "directory", (await lstat(place)).mode));
  }
  for (const { path } of entries) await lutimes(join(root, path), 0, 0);
}

function modeOf(path: string, isDirectory: boolean, mode: number): number {
  const usual = isDirectory || (mode & 0o111) !== 0 ? 0o755 : 0o644;
  return MODES[path] ?? usual;
}
