import { lstat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../tools.ts";
import { type TreeEntry, walk } from "../walk.ts";

/** Fixed, so that the same tree gives the same file system. */
const UUID = "6e657869-6d61-4765-8000-000000000001";
const BLOCK_BYTES = 4096;
const INODE_BYTES = 256;
/** Group descriptors, bitmaps and the blocks of large files' extents: a hundredth is plenty. */
const OVERHEAD = 1.01;
const SLACK_BYTES = 2 * 1024 * 1024;

/** What e2fsprogs takes for the time of day, s since 1970. 0 would mean the real one. */
const TIME = { E2FSPROGS_FAKE_TIME: "1" };

/**
 * Makes an ext4 file system of a tree, without mounting anything and without rights: everything in it is root's and of
 * 1970, whoever owns the tree and whenever it was made, so that the same tree gives the same bytes. No journal and
 * hardly any free space: it is only ever read.
 */
export async function makeExt4(root: string, file: string, signal?: AbortSignal): Promise<void> {
  const entries = await walk(root);
  const bytes = await measure(root, entries);
  // The first eleven are the file system's own.
  const inodes = entries.length + 32;
  const blocks = Math.ceil(((bytes + inodes * INODE_BYTES) * OVERHEAD + SLACK_BYTES) / BLOCK_BYTES);
  const settings = {
    "-d": root,
    "-L": "nex",
    "-U": UUID,
    "-b": BLOCK_BYTES,
    "-I": INODE_BYTES,
    "-m": 0,
    "-N": inodes,
    "-O": "^has_journal,^resize_inode",
    "-E": `hash_seed=${UUID},root_owner=0:0,lazy_itable_init=0`,
  };
  const format = ["-q", "-F", ...Object.entries(settings).flat().map(String), file, String(blocks)];
  await run("mkfs.ext4", format, { env: TIME, signal });
  const corrections = `${file}.debugfs`;
  await writeFile(corrections, ["/", ...entries.map(({ path }) => `/${path}`)].map(correct).join(""));
  await run("debugfs", ["-w", "-f", corrections, file], { env: TIME, signal });
}

/** What mkfs copies from the tree and cannot be told otherwise. */
function correct(path: string): string {
  const fields = ["uid 0", "gid 0"];
  for (const time of ["atime", "ctime", "mtime"]) fields.push(`${time} @0`, `${time}_extra 0`);
  return fields.map((field) => `set_inode_field "${path}" ${field}\n`).join("");
}

async function measure(root: string, entries: readonly TreeEntry[]): Promise<number> {
  let bytes = 0;
  for (const { path, kind } of entries) {
    const { size } = await lstat(join(root, path));
    // A directory takes a block at least, a short link none.
    const taken = kind === "directory" ? BLOCK_BYTES : kind === "file" ? size : 0;
    bytes += Math.ceil(taken / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return bytes;
}
