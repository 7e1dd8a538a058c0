import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NexError } from "@nex/protocol";
import { walk } from "./walk.ts";

/** Seen from this file and from what the compiler makes of it; then beside the bundle of the CLI. */
const PLACES = ["../files/", "./image-files/"];

/** The scripts and tables that we write ourselves: `rootfs/` as it lies in the machine, and `initramfs/init`. */
export function staticFilesDirectory(): string {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = paths.find((path) => existsSync(join(path, "initramfs", "init")));
  if (found !== undefined) return found;
  throw new NexError(
    "missing_tool",
    `The files of the image are not where this nex looks for them (${paths.join(", ")}). Install nex again, or run "npm run build" in its source tree.`,
  );
}

/** All files below a directory, by their relative path, in order. */
export async function readTree(
  directory: string,
): Promise<readonly { readonly path: string; readonly data: Buffer }[]> {
  const files = (await walk(directory)).filter(({ kind }) => kind === "file");
  return await Promise.all(files.map(async ({ path }) => ({ path, data: await readFile(join(directory, path)) })));
}
