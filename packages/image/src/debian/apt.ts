import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import { run } from "../tools.ts";

/** One package as apt has chosen it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** A package that lies in the cache. */
export interface FetchedPackage extends DebianPackage {
  readonly file: string;
}

/** Said by apt about what its lists do not hold (any more). */
const STALE = /Unable to locate package|has no installation candidate|404 +Not Found|Unable to fetch|Hash Sum mismatch/;

/**
 * apt with the machine's own sources and keys, as if nothing was installed: it chooses versions and fetches packages
 * into our cache. Needs no rights. If the machine's package lists are missing or old, fresh ones are fetched beside
 * the cache; those of the machine are never changed.
 */
export class Apt {
  readonly #directory: string;
  readonly #signal: AbortSignal | undefined;
  #lists: readonly string[] = [];

  /** @param directory where packages and lists are kept between builds */
  constructor(directory: string, signal?: AbortSignal) {
    this.#directory = directory;
    this.#signal = signal;
  }

  /** All that has to be there for `names`, dependencies included. @throws NexError `image_failed` */
  async resolve(names: readonly string[]): Promise<readonly DebianPackage[]> {
    return await this.#refreshed(async () => {
      const plan = await this.#aptGet(["install", "--simulate", "--no-install-recommends", "--yes", ...names]);
      return parsePlan(plan);
    });
  }

  /** The first of `names` that the sources have. @throws NexError `image_failed` */
  async firstKnown(names: readonly string[]): Promise<string> {
    return await this.#refreshed(async () => {
      for (const name of names) {
        const known = await this.#aptGet(["install", "--simulate", "--no-install-recommends", "--yes", name]).catch(
          () => undefined,
        );
        if (known !== undefined) return name;
      }
      throw new NexError(
        "image_failed",
        `Unable to locate package ${names.join(" or ")} in this machine's package sources: no kernel to build an image with. Add the main section of Debian, or of Ubuntu, to them.`,
        { data: { packages: names } },
      );
    });
  }

  /** The packages' files, fetched where the cache does not have them. @throws NexError `image_failed` */
  async fetch(packages: readonly DebianPackage[]): Promise<readonly FetchedPackage[]> {
    const archives = join(this.#directory, "packages");
    await mkdir(archives, { recursive: true });
    const fetched = packages.map((wanted) => ({ ...wanted, file: join(archives, fileName(wanted)) }));
    const missing = fetched.filter(({ file }) => !existsSync(file));
    if (missing.length > 0) await this.#refreshed(async () => await this.#download(missing, archives));
    return fetched;
  }

  async #download(missing: readonly FetchedPackage[], archives: string): Promise<void> {
    // Beside the cache first: another build may read there.
    const incoming = join(archives, `incoming-${process.pid}`);
    await mkdir(incoming, { recursive: true });
    try {
      const names = missing.map(({ name, version }) => `${name}=${version}`);
      await this.#aptGet(["download", ...names], incoming);
      for (const name of await readdir(incoming)) await rename(join(incoming, name), join(archives, name));
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
    const lost = missing.find(({ file }) => !existsSync(file));
    if (lost !== undefined) throw new NexError("image_failed", `apt-get fetched no ${lost.name} ${lost.version}.`);
  }

  /** Once more with lists of our own, if the machine's do not do. */
  async #refreshed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NexError) || !STALE.test(error.message) || this.#lists.length > 0) throw error;
      const lists = join(this.#directory, "lists");
      await mkdir(join(lists, "partial"), { recursive: true });
      this.#lists = ["-o", `Dir::State::lists=${lists}`];
      await this.#aptGet(["update"]);
      return await work();
    }
  }

  async #aptGet(args: readonly string[], cwd?: string): Promise<string> {
    const status = join(this.#directory, "status");
    await mkdir(this.#directory, { recursive: true });
    // Nothing counts as installed, so that what apt chooses does not depend on this machine.
    if (!existsSync(status)) await writeFile(status, "");
    const settings = [
      `Dir::State::status=${status}`,
      "Dir::Cache::pkgcache=",
      "Dir::Cache::srcpkgcache=",
      "APT::Sandbox::User=",
      "Debug::NoLocking=1",
    ].flatMap((setting) => ["-o", setting]);
    return await run("apt-get", [...settings, ...this.#lists, "--quiet", ...args], {
      signal: this.#signal,
      ...(cwd === undefined ? {} : { cwd }),
    });
  }
}

/** The packages that `apt-get --simulate install` would unpack: `Inst libc6 (2.36-9 Debian:12.15/oldstable [amd64])`. */
export function parsePlan(plan: string): readonly DebianPackage[] {
  return [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) [^)]*\[(\w+)\]\)/gm)]
    .map(([, name, version, architecture]) => ({ name: name!, version: version!, architecture: architecture! }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** As `apt-get download` names it. A colon, as in an epoch, cannot stand in a file name. */
function fileName({ name, version, architecture }: DebianPackage): string {
  return `${name}_${version.replaceAll(":", "%3a")}_${architecture}.deb`;
}
