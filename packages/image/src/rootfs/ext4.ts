import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, run } from "../tools.ts";
import { walk } from "../walk.ts";

/** Fixed, so that the same tree gives the same file system. */
const UUID = "6e657869-6d61-4765-8000-000000000001";
const BLOCK_BYTES = 4096;
const INODE_BYTES = 256;
/** Group descriptors, bitmaps and the blocks of large files' extents: a hundredth is plenty. */
const OVERHEAD = 1.01;
const SLACK_BYTES = 2 * 1024 * 1024;

/**
 * Makes an ext4 file system of a tree, all of it root's, without mounting anything. No journal and hardly any free
 * space: it is only ever read.
 */
export async function makeExt4(root: string, file: string, signal?: AbortSignal): Promise<void> {
  const { bytes, inodes } = await measure(root);
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
  const mkfs = findProgram("mkfs.ext4") ?? "mkfs.ext4";
  const env = { E2FSPROGS_FAKE_TIME: "1", SOURCE_DATE_EPOCH: "1" };
  if (process.getuid?.() === 0) {
    await run("chown", ["--recursive", "--no-dereference", "0:0", root], { signal });
    await run(mkfs, format, { env, signal });
  } else {
    // It makes everything look like root's to what runs in it.
    await run("fakeroot", [mkfs, ...format], { env, signal });
  }
}

async function measure(root: string): Promise<{ readonly bytes: number; readonly inodes: number }> {
  const entries = await walk(root);
  let bytes = 0;
  for (const { path, kind } of entries) {
    const { size } = await lstat(join(root, path));
    // A directory takes a block at least, a short link none.
    const taken = kind === "directory" ? BLOCK_BYTES : kind === "file" ? size : 0;
    bytes += Math.ceil(taken / BLOCK_BYTES) * BLOCK_BYTES;
  }
  // The first eleven are the file system's own.
  return { bytes, inodes: entries.length + 32 };
}
