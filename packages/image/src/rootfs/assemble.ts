import { copyFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readTree } from "../static-files.ts";
import { walk } from "../walk.ts";
import { BUSYBOX_APPLETS } from "./busybox.ts";
import { DIRECTORIES, LINKS, MERGED, PROGRAMS } from "./layout.ts";
import { stripSymbols } from "./strip-symbols.ts";

/** What of ours goes into the machine. */
export interface RootfsPrograms {
  readonly node: string;
  readonly agent: string;
  readonly runner: string;
}

/** Adds to a tree with Debian's files what makes it a machine: directories, links, our files. */
export async function assemble(root: string, staticFiles: string): Promise<void> {
  for (const path of DIRECTORIES) await mkdir(join(root, path), { recursive: true });
  for (const name of MERGED) {
    await mkdir(join(root, "usr", name), { recursive: true });
    await link(root, name, `usr/${name}`);
  }
  for (const applet of BUSYBOX_APPLETS) await link(root, `usr/bin/${applet}`, "busybox");
  for (const [path, target] of Object.entries(LINKS)) await link(root, path, target);
  for (const { path, data } of await readTree(join(staticFiles, "rootfs"))) {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, data, { mode: PROGRAMS.test(path) ? 0o755 : 0o644 });
  }
  await bundleCertificates(root);
}

/** Node, agent and runner. */
export async function installPrograms(root: string, programs: RootfsPrograms): Promise<void> {
  const bin = join(root, "usr/local/bin");
  const lib = join(root, "usr/local/lib/nex");
  await mkdir(bin, { recursive: true });
  await mkdir(lib, { recursive: true });
  await writeFile(join(bin, "node"), stripSymbols(await readFile(programs.node)), { mode: 0o755 });
  await copyFile(programs.agent, join(lib, "nex-agent.cjs"));
  await copyFile(programs.runner, join(lib, "nex-runner.cjs"));
}

/** One file of all authorities, as Debian's `update-ca-certificates` would make it; the single ones are not needed. */
async function bundleCertificates(root: string): Promise<void> {
  const source = join(root, "usr/share/ca-certificates");
  const files = (await walk(source)).filter(({ kind }) => kind === "file");
  const certificates = await Promise.all(
    files.map(async ({ path }) => (await readFile(join(source, path), "utf8")).trim()),
  );
  await mkdir(join(root, "etc/ssl/certs"), { recursive: true });
  await writeFile(join(root, "etc/ssl/certs/ca-certificates.crt"), `${certificates.join("\n")}\n`);
  await rm(source, { recursive: true });
}

async function link(root: string, path: string, target: string): Promise<void> {
  const place = join(root, path);
  await mkdir(dirname(place), { recursive: true });
  await rm(place, { force: true });
  await symlink(target, place);
}
