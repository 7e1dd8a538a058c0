import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { walk } from "../walk.ts";
import { decompress } from "./decompress.ts";

/** What a machine needs to reach disk and network, each after those it depends on. Some kernels have some built in. */
const MODULES: readonly string[] = [
  "virtio_ring",
  "virtio",
  "virtio_mmio",
  // For machines with a PCI bus: QEMU's `pc`, Firecracker with --enable-pci.
  "virtio_pci_legacy_dev",
  "virtio_pci_modern_dev",
  "virtio_pci",
  "virtio_blk",
  "failover",
  "net_failover",
  "virtio_net",
  // Gives memory back to a node that asks for it, as for a workload that may have less than the machine.
  "virtio_balloon",
];

export interface KernelModule {
  /** Such as `virtio_net.ko`. */
  readonly name: string;
  readonly data: Buffer;
}

/** The modules in the order in which to load them; those that the kernel has built in are not among its files. */
export async function kernelModules(kernelDirectory: string): Promise<readonly KernelModule[]> {
  const files = new Map<string, string>();
  for (const { path } of await walk(kernelDirectory)) {
    const module = /([^/]+)\.ko(?:\.(?:gz|xz|zst))?$/.exec(path)?.[1];
    // Their files are spelt with either.
    if (module !== undefined) files.set(module.replaceAll("-", "_"), join(kernelDirectory, path));
  }
  const modules: KernelModule[] = [];
  for (const module of MODULES) {
    const file = files.get(module);
    if (file === undefined) continue;
    const data = decompress(await readFile(file));
    modules.push({ name: basename(file).replace(/\.ko.*$/, ".ko"), data });
  }
  return modules;
}
