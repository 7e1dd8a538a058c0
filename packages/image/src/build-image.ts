import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import { Apt, type DebianPackage } from "./debian/apt.ts";
import { KERNEL_PACKAGES, KERNEL_PARTS, ROOTFS_PACKAGES } from "./debian/packages.ts";
import { unpack } from "./debian/unpack.ts";
import { initramfs } from "./initramfs/initramfs.ts";
import { kernelModules } from "./kernel/modules.ts";
import { extractVmlinux } from "./kernel/vmlinux.ts";
import { ARTIFACTS, describeArtifacts, hashText, type ImageManifest, MANIFEST_FORMAT } from "./manifest.ts";
import { type BuildListener, step } from "./progress.ts";
import { assemble, installPrograms, type RootfsPrograms } from "./rootfs/assemble.ts";
import { checkLibraries } from "./rootfs/check-libraries.ts";
import { makeExt4 } from "./rootfs/ext4.ts";
import { listFiles } from "./rootfs/file-list.ts";
import { normalize } from "./rootfs/normalize.ts";
import { staticFilesDirectory } from "./static-files.ts";
import { requireTools } from "./tools.ts";

export interface BuildImageOptions extends BuildListener {
  /** Directory for the artifacts; made if it is not there, and what an earlier build left in it is replaced. */
  readonly output: string;
  /** Directory where Debian packages are kept between builds. */
  readonly cache: string;
  /** The Node that runs in the machine, and the bundled agent and runner. */
  readonly programs: RootfsPrograms;
  /** For the manifest. */
  readonly versions: { readonly nex: string; readonly node: string };
  readonly signal?: AbortSignal;
}

/** The only one so far: names of packages, of the loader and of a system call depend on it. */
const ARCHITECTURE = "x64";

/**
 * Builds root file system, initramfs and kernel of the virtual machine. Nothing is mounted and no rights are needed.
 * The artifacts appear in `output` only when all of them are made.
 * @throws NexError `missing_tool`, `image_failed`
 */
export async function buildImage(options: BuildImageOptions): Promise<ImageManifest> {
  const { output, signal } = options;
  checkMachine();
  await mkdir(output, { recursive: true });
  // On the same file system as the output, so that the last step is a rename.
  const work = await mkdtemp(join(output, ".build-"));
  try {
    const manifest = await build(options, work);
    signal?.throwIfAborted();
    for (const name of [...ARTIFACTS, "files.txt", "manifest.json"]) await rename(join(work, name), join(output, name));
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function checkMachine(): void {
  if (process.platform !== "linux" || process.arch !== ARCHITECTURE) {
    throw new NexError(
      "image_failed",
      `Images can be built on Linux on ${ARCHITECTURE} only, and this is ${process.platform} on ${process.arch}.`,
      { data: { platform: process.platform, architecture: process.arch } },
    );
  }
  requireTools(["apt-get", "dpkg-deb", "tar", "mkfs.ext4", "debugfs"]);
}

async function build(options: BuildImageOptions, work: string): Promise<ImageManifest> {
  const { programs, versions, signal } = options;
  const root = join(work, "root");
  const kernel = join(work, "kernel");
  await mkdir(root);
  await mkdir(kernel);

  const apt = new Apt(options.cache, signal);
  const packages = await step(options, "choose Debian packages", async () => await choose(apt));
  const fetched = await step(options, "fetch what the cache lacks", async () => await apt.fetch(packages));
  await step(options, "unpack", async () => {
    for (const found of fetched) {
      const keep = ROOTFS_PACKAGES.find(({ name }) => name === found.name)?.keep;
      if (keep !== undefined) await unpack(found, keep, root, join(work, "unpacked"), signal);
      else await unpack(found, /^(?:boot\/vmlinuz-|usr\/lib\/modules\/.+\.ko)/, kernel, join(work, "unpacked"), signal);
    }
  });
  const kernelVersion = await step(
    options,
    "make kernel and initramfs",
    async () => await makeBoot(work, root, kernel),
  );
  const files = await step(options, "assemble the root file system", async () => {
    await assemble(root, staticFilesDirectory());
    await installPrograms(root, programs);
    await checkLibraries(root, signal);
    await normalize(root);
    return await listFiles(root);
  });
  await step(options, "make rootfs.ext4", async () => await makeExt4(root, join(work, "rootfs.ext4"), signal));
  return await step(options, "write the manifest", async () => {
    const list = `${files.join("\n")}\n`;
    const manifest: ImageManifest = {
      format: MANIFEST_FORMAT,
      nex_version: versions.nex,
      node_version: versions.node,
      kernel_version: kernelVersion,
      architecture: ARCHITECTURE,
      packages: fetched.map(({ name, version }) => ({ name, version })),
      files: { count: files.length, sha256: hashText(list) },
      artifacts: await describeArtifacts(work),
    };
    await writeFile(join(work, "files.txt"), list);
    await writeFile(join(work, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  });
}

/** Of all that the named packages depend on, only what the image takes files from. */
async function choose(apt: Apt): Promise<readonly DebianPackage[]> {
  const kernel = await apt.firstKnown(KERNEL_PACKAGES);
  const names = ROOTFS_PACKAGES.map(({ name }) => name);
  const all = await apt.resolve([...names, kernel]);
  return all.filter(({ name }) => names.includes(name) || KERNEL_PARTS.test(name));
}

/** Writes `vmlinux` and `initramfs.cpio.gz`. @returns the kernel's version */
async function makeBoot(work: string, root: string, kernel: string): Promise<string> {
  const found = (await readdir(join(kernel, "boot"))).find((name) => name.startsWith("vmlinuz-"));
  if (found === undefined) throw new NexError("image_failed", "The kernel package holds no kernel.");
  await writeFile(join(work, "vmlinux"), extractVmlinux(await readFile(join(kernel, "boot", found))));
  const archive = initramfs({
    init: await readFile(join(staticFilesDirectory(), "initramfs", "init")),
    busybox: await readFile(join(root, "usr/bin/busybox")),
    modules: await kernelModules(join(kernel, "usr/lib/modules")),
  });
  await writeFile(join(work, "initramfs.cpio.gz"), archive);
  return found.slice("vmlinuz-".length);
}
