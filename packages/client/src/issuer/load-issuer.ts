import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { createSeed, NexError, SigningKey } from "@nex/protocol";

/**
 * Reads an issuer's key from a file that holds its seed. If there is none, an account key is made and kept there,
 * in a file (0600) and, where missing, directories (0700) for the user alone. Of several programs that do so at
 * once, all get the same key.
 *
 * @throws NexError `file_not_found` if it can neither be read nor made, `invalid_request` if it holds no signing key
 */
export async function loadOrCreateIssuer(path: string): Promise<SigningKey> {
  const known = await readSeed(path);
  if (known !== undefined) return parseSeed(path, known);
  try {
    await writeSeed(path, createSeed("account"));
  } catch (cause) {
    throw new NexError("file_not_found", `The issuer's key cannot be kept in ${path}: ${messageOf(cause)}.`, {
      data: { path },
      cause,
    });
  }
  // Whoever was first has written it.
  const seed = await readSeed(path);
  if (seed === undefined) {
    throw new NexError("file_not_found", `The issuer's key in ${path} was removed as it was made.`, { data: { path } });
  }
  return parseSeed(path, seed);
}

async function readSeed(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new NexError("file_not_found", `The issuer's key in ${path} cannot be read: ${messageOf(cause)}.`, {
      data: { path },
      cause,
    });
  }
}

function parseSeed(path: string, seed: string): SigningKey {
  try {
    return SigningKey.fromSeed(seed);
  } catch (cause) {
    throw new NexError(
      "invalid_request",
      `The file ${path} does not hold an issuer's key: ${messageOf(cause)} Restore it, or move it away to have a new key made.`,
      { data: { path }, cause },
    );
  }
}

/** The whole file at once, and never over one that is there. */
async function writeSeed(path: string, seed: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    {
      await using file = await open(draft, "wx", 0o600);
      await file.writeFile(`${seed}\n`);
      await file.sync();
    }
    await linkOrRename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

async function linkOrRename(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    // Some shared folders have no hard links.
    await rename(draft, path);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
