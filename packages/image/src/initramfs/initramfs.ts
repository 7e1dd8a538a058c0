import { constants, gzipSync } from "node:zlib";
import type { KernelModule } from "../kernel/modules.ts";
import { cpio, CpioMode } from "./cpio.ts";

export interface InitramfsParts {
  /** The script that Linux starts. */
  readonly init: Buffer;
  /** A static one. */
  readonly busybox: Buffer;
  readonly modules: readonly KernelModule[];
}

/** The first file system of the machine: loads drivers, mounts the disk, goes on there. */
export function initramfs({ init, busybox, modules }: InitramfsParts): Buffer {
  const order = modules.map(({ name }) => `${name}\n`).join("");
  const directories = ["bin", "dev", "modules", "proc", "root", "sys"];
  const archive = cpio([
    ...directories.map((path) => ({ path, mode: CpioMode.directory })),
    { path: "init", mode: CpioMode.program, data: init },
    { path: "bin/busybox", mode: CpioMode.program, data: busybox },
    { path: "modules/order", mode: CpioMode.file, data: Buffer.from(order) },
    ...modules.map(({ name, data }) => ({ path: `modules/${name}`, mode: CpioMode.file, data })),
  ]);
  return gzipSync(archive, { level: constants.Z_BEST_COMPRESSION });
}
