import { realpathSync } from "node:fs";
import { chmod, chown, constants, copyFile, link, mkdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { MachineImage } from "../vm/machine-image.ts";
import type { VmSpec } from "../vm/vm-spec.ts";
import { type Cgroups, cgroupSettings, PARENT_CGROUP } from "./cgroup.ts";
import { namespacePath } from "./network-namespace.ts";
import { systemTool } from "./system-tool.ts";

/** Where things are in a jail, as Firecracker sees them. */
export const JailPath = {
  socket: "/api",
  kernel: "/vmlinux",
  initramfs: "/initramfs.cpio.gz",
  rootfs: "/rootfs.ext4",
  metrics: "/metrics",
  state: "/snapshot.state",
  memory: "/snapshot.memory",
} as const;

/** The two programs, and where jails are made. */
export interface JailPlace {
  readonly firecracker: string;
  readonly jailer: string;
  readonly base: string;
}

/** What a machine boots from, by path in its jail. */
export function bootFiles({ kernel, initramfs, rootfs }: MachineImage): Record<string, string> {
  return { [JailPath.kernel]: kernel, [JailPath.initramfs]: initramfs, [JailPath.rootfs]: rootfs };
}

/** One machine's jail. */
export interface Jail {
  readonly name: string;
  /** User and group that Firecracker runs as. */
  readonly uid: number;
  /** Removed with the machine; holds `root`. */
  readonly directory: string;
  /** What Firecracker sees as `/`. */
  readonly root: string;
}

/** Where all jails are: the jailer names the directory after the program. */
export function jailsDirectory({ firecracker, base }: JailPlace): string {
  return join(base, basename(realpathSync(firecracker)));
}

/** Makes a machine's root directory with the files it needs, which are shared with other machines where that can be. */
export async function makeJail(
  place: JailPlace,
  name: string,
  uid: number,
  files: Readonly<Record<string, string>>,
): Promise<Jail> {
  const directory = join(jailsDirectory(place), name);
  const jail = { name, uid, directory, root: join(directory, "root") };
  await mkdir(jail.root, { recursive: true });
  // The jail holds devices that belong to its user; no other user may get through to them.
  await chmod(directory, 0o700);
  for (const [path, source] of Object.entries(files)) await share(source, join(jail.root, path), uid);
  return jail;
}

export async function removeJail({ directory }: Pick<Jail, "directory">): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/**
 * A second name for the file costs nothing. It stays root's, so that no machine can write to what others read;
 * where Firecracker's user could not read it, or on another file system, it gets a copy.
 */
async function share(source: string, target: string, uid: number): Promise<void> {
  const { mode } = await stat(source);
  try {
    if ((mode & 0o004) !== 0) return await link(source, target);
  } catch {
    // Another file system.
  }
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, 0o400);
  await chown(target, uid, uid);
}

/**
 * The whole command. The jailer would itself make a process namespace (`--new-pid-ns`), but then leave, and nothing
 * would tie Firecracker to this node. So `unshare` makes it: its first process stays root, waits for the jailer and
 * is killed by the kernel when the node dies, and with it everything in the namespace.
 */
export function jailerCommand(
  place: JailPlace,
  jail: Jail,
  limits: { readonly cgroups: Cgroups; readonly spec: VmSpec; readonly cpus: number | undefined },
): [program: string, args: string[]] {
  const { cgroups, spec, cpus } = limits;
  const jailer = [
    [place.jailer, "--id", jail.name, "--exec-file", place.firecracker],
    ["--uid", String(jail.uid), "--gid", String(jail.uid)],
    ["--chroot-base-dir", place.base, "--netns", namespacePath(jail.name)],
    ["--cgroup-version", String(cgroups.version), "--parent-cgroup", PARENT_CGROUP],
    cgroupSettings(cgroups, spec, cpus).flatMap((setting) => ["--cgroup", setting]),
    ["--", "--api-sock", JailPath.socket],
  ].flat();
  const asFirstProcess = ["sh", "-c", '"$@"; exit $?', "nex-machine", ...jailer];
  const inNamespace = [systemTool("unshare"), "--pid", "--fork", "--kill-child=KILL", "--", ...asFirstProcess];
  return [systemTool("setpriv"), ["--pdeathsig", "KILL", "--", ...inNamespace]];
}
