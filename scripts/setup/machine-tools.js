import path from "node:path";
import { installDebianPackages } from "./debian-packages.js";
import { isExecutable, searchPath } from "./files.js";

/** Program and Debian's package with it: to run machines, to build their image, and (root only) to make their networks. */
const PROGRAMS = {
  "qemu-system-x86_64": "qemu-system-x86",
  socat: "socat",
  "mkfs.ext4": "e2fsprogs",
  debugfs: "e2fsprogs",
  ...(process.getuid?.() === 0 ? { ip: "iproute2", nft: "nftables" } : {}),
};

/** Also where no machine of ours can run, and the tests leave them out. */
export function hasMachineTools() {
  return process.platform !== "linux" || process.arch !== "x64" || missing().length === 0;
}

/** @returns {Promise<string>} */
export async function installMachineTools() {
  return await installDebianPackages(
    missing(),
    "Packages that the tests of virtual machines need could not be installed",
  );
}

/** Packages, in the order of the alphabet. */
function missing() {
  const directories = [...searchPath(), "/usr/sbin", "/sbin"];
  const packages = Object.entries(PROGRAMS).flatMap(([program, name]) =>
    directories.some((directory) => isExecutable(path.join(directory, program))) ? [] : [name],
  );
  return [...new Set(packages)].sort();
}
