import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import type { ArtifactRef } from "../supervisor/plan.ts";
import type { ArtifactStore } from "./artifact-store.ts";

/** An artifact on this machine. */
export interface CachedArtifact extends ArtifactRef {
  readonly path: string;
}

/** Where an artifact lies in JetStream. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly name: string;
  /** JetStream domain; empty or absent for none. */
  readonly domain?: string;
}

/** Artifacts on this machine, so that replicas, restarts and rollbacks need no transfer. Verified as they come in. */
export class ArtifactCache {
  readonly #directory: string;
  readonly #store: ArtifactStore;
  readonly #underWay: Map<string, Promise<CachedArtifact>> = new Map();

  constructor(directory: string, store: ArtifactStore) {
    this.#directory = directory;
    this.#store = store;
  }

  /** Fetches the artifact that was signed, unless it is here already. @throws NexError `artifact_missing`, `artifact_corrupt`, `too_large` */
  async fetch(sha256: string, place: ObjectPlace): Promise<CachedArtifact> {
    const path = this.#path(sha256);
    const size = await sizeOf(path);
    if (size !== undefined) return { sha256, size, path };
    const running = this.#underWay.get(sha256);
    if (running !== undefined) return await running;
    const work = this.#fetchSigned(sha256, place);
    this.#underWay.set(sha256, work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(sha256);
    }
  }

  /** Fetches an object whose hash nobody signed, as 0.2.7's clients deploy them. */
  async fetchUnsigned(place: ObjectPlace): Promise<CachedArtifact> {
    return await this.#download(place);
  }

  /** Removes what is not needed. */
  async prune(needed: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#directory).catch(() => []);
    await Promise.all(
      names
        .filter((name) => !needed.has(name) && !this.#underWay.has(name))
        .map(async (name) => await this.#forget(name)),
    );
  }

  async #fetchSigned(sha256: string, place: ObjectPlace): Promise<CachedArtifact> {
    const found = await this.#download(place);
    if (found.sha256 === sha256) return found;
    await this.#forget(found.sha256);
    throw new NexError(
      "artifact_corrupt",
      `The object "${place.name}" in "${place.bucket}" has SHA-256 ${found.sha256}, but ${sha256} was signed. Upload the artifact again and deploy it.`,
      { data: { found: found.sha256, signed: sha256 } },
    );
  }

  async #download({ bucket, name, domain }: ObjectPlace): Promise<CachedArtifact> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const partial = join(this.#directory, `.${randomUUID()}`);
    const { data } = await this.#store.read(bucket, name, domain);
    const hash = createHash("sha256");
    let size = 0;
    try {
      {
        await using file = await open(partial, "wx", 0o600);
        for await (const chunk of data) {
          size += chunk.length;
          hash.update(chunk);
          await file.write(chunk);
        }
      }
      const sha256 = hash.digest("hex");
      const path = this.#path(sha256);
      await rename(partial, path);
      return { sha256, size, path };
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async #forget(sha256: string): Promise<void> {
    await rm(this.#path(sha256), { force: true });
  }

  #path(sha256: string): string {
    return join(this.#directory, sha256);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
