import path from "node:path";
import { hasDebianPackages } from "./debian-packages.js";
import { isExecutable, searchPath } from "./files.js";
import { SetupError, run } from "./program.js";

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
  const packages = missing();
  const install = ["install", "--yes", "--no-install-recommends", ...packages];
  const byHand = `sudo apt-get install --no-install-recommends ${packages.join(" ")}`;
  try {
    if (!hasDebianPackages()) throw new SetupError("this system has no Debian packages.");
    if (process.getuid?.() !== 0) throw new SetupError("that takes root.");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    try {
      await run("apt-get", install, { cwd: "/", env });
    } catch {
      await run("apt-get", ["update"], { cwd: "/", env });
      await run("apt-get", install, { cwd: "/", env });
    }
    return packages.join(", ");
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SetupError(
      `Packages that the tests of virtual machines need could not be installed: ${why}\n\n` +
        `Install them, then run this again:\n\n    ${byHand}\n`,
    );
  }
}

/** Packages, in the order of the alphabet. */
function missing() {
  const directories = [...searchPath(), "/usr/sbin", "/sbin"];
  const packages = Object.entries(PROGRAMS).flatMap(([program, name]) =>
    directories.some((directory) => isExecutable(path.join(directory, program))) ? [] : [name],
  );
  return [...new Set(packages)].sort();
}
