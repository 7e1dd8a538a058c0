import { createHash, randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { ARTIFACT_BUCKET, NexError } from "@nex/protocol";
import type { ArtifactRef } from "../supervisor/plan.ts";
import type { ArtifactStore, ObjectPlace } from "./artifact-store.ts";

/** An artifact on this machine. */
export interface CachedArtifact extends ArtifactRef {
  readonly path: string;
}

/** Artifacts on this machine, so that replicas, restarts and rollbacks need no transfer. */
export class ArtifactCache {
  readonly #directory: string;
  readonly #store: ArtifactStore;
  readonly #signal: AbortSignal | undefined;
  readonly #underWay: Map<string, Promise<CachedArtifact>> = new Map();

  /** @param signal ends transfers */
  constructor(directory: string, store: ArtifactStore, signal?: AbortSignal) {
    this.#directory = directory;
    this.#store = store;
    this.#signal = signal;
  }

  /**
   * Fetches the artifact that was signed, unless it is here already.
   * @throws NexError `artifact_missing`, `artifact_corrupt`, `too_large`, `not_allowed`
   */
  async fetch(sha256: string, place: ObjectPlace): Promise<CachedArtifact> {
    const found = await this.#find(sha256);
    if (found !== undefined) return found;
    // By place too: nobody's transfer may fail because another named the same hash and a place where it is not.
    const key = JSON.stringify([sha256, place]);
    const running = this.#underWay.get(key);
    if (running !== undefined) return await running;
    const work = this.#download(place, sha256);
    this.#underWay.set(key, work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /**
   * Path of an artifact that was fetched before; again from Nex's own object store if it is no longer here.
   * @throws NexError `artifact_missing` and the others of {@link fetch}
   */
  async file(sha256: string): Promise<string> {
    const path = this.#path(sha256);
    if (existsSync(path)) return path;
    return (await this.fetch(sha256, { bucket: ARTIFACT_BUCKET, name: sha256 })).path;
  }

  /** Fetches an object whose hash nobody signed, as 0.2.7's clients deploy them. */
  async fetchUnsigned(place: ObjectPlace): Promise<CachedArtifact> {
    return await this.#download(place);
  }

  /** Stores again what lies here and is no longer in the object store. */
  async putBack(needed: ReadonlySet<string>): Promise<void> {
    for (const sha256 of needed) {
      const path = this.#path(sha256);
      if (existsSync(path)) await this.#store.keep(sha256, path);
    }
  }

  /**
   * Removes what was not used for so long, ms. What is `needed` counts as used now, so that another node of this
   * machine, which may share the directory, leaves it alone.
   */
  async prune(needed: ReadonlySet<string>, unusedForMs: number): Promise<void> {
    const now = new Date();
    await Promise.allSettled([...needed].map(async (sha256) => await utimes(this.#path(sha256), now, now)));
    const names = await readdir(this.#directory).catch(() => []);
    await Promise.allSettled(
      names.map(async (name) => {
        const path = join(this.#directory, name);
        if ((await stat(path)).mtimeMs < now.getTime() - unusedForMs) await rm(path, { force: true });
      }),
    );
  }

  /** Looks at the bytes again: a machine that lost power may hold a file that has the name and not the content. */
  async #find(sha256: string): Promise<CachedArtifact | undefined> {
    const path = this.#path(sha256);
    const hash = createHash("sha256");
    let size = 0;
    try {
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
        size += chunk.length;
        hash.update(chunk);
      }
      if (hash.digest("hex") !== sha256) return undefined;
      const now = new Date();
      await utimes(path, now, now);
      return { sha256, size, path };
    } catch {
      return undefined;
    }
  }

  /** Into a file of its own first: what is there under a hash has it, always. */
  async #download(place: ObjectPlace, signed?: string): Promise<CachedArtifact> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const partial = join(this.#directory, `.${randomUUID()}`);
    const hash = createHash("sha256");
    let size = 0;
    try {
      {
        await using file = await open(partial, "wx", 0o600);
        for await (const chunk of this.#store.read(place, this.#signal)) {
          size += chunk.length;
          hash.update(chunk);
          await file.writeFile(chunk);
        }
      }
      const sha256 = hash.digest("hex");
      if (signed !== undefined && sha256 !== signed) throw otherThanSigned(place, sha256, signed);
      const path = this.#path(sha256);
      await rename(partial, path);
      return { sha256, size, path };
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  #path(sha256: string): string {
    return join(this.#directory, sha256);
  }
}

function otherThanSigned({ bucket, name }: ObjectPlace, found: string, signed: string): NexError {
  return new NexError(
    "artifact_corrupt",
    `The object "${name}" in "${bucket}" has SHA-256 ${found}, but ${signed} was signed. Upload the artifact again and deploy it.`,
    { data: { found, signed } },
  );
}
