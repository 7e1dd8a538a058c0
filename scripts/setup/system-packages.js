import path from "node:path";
import { isExecutable, searchPath } from "./files.js";
import { run, SetupError } from "./program.js";

/**
 * What tests of virtual machines and networks run, and the package of Debian's that has it. These are installed, not
 * unpacked beside the clone: QEMU finds its firmware and its libraries only where they belong.
 * @type {Readonly<Record<string, string>>}
 */
const PROGRAMS = {
  "qemu-system-x86_64": "qemu-system-x86",
  "mkfs.ext4": "e2fsprogs",
  debugfs: "e2fsprogs",
  ip: "iproute2",
  nft: "nftables",
};

/** Where programs of the administrator's are, though not on everybody's PATH. */
const ADMINISTRATIVE = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @returns {string[]} packages */
export function missingSystemPackages() {
  const directories = [...searchPath(), ...ADMINISTRATIVE];
  const missing = Object.entries(PROGRAMS).filter(
    ([program]) => !directories.some((directory) => isExecutable(path.join(directory, program))),
  );
  return [...new Set(missing.map(([, name]) => name))];
}

/** @param {string} root @returns {Promise<string>} */
export async function installSystemPackages(root) {
  const packages = missingSystemPackages();
  const byHand = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `The tests start virtual machines and need ${packages.join(", ")}, which this user may not install. Run, then try again:\n\n    sudo ${byHand}\n`,
    );
  }
  const options = { cwd: root, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  const install = async () =>
    await run("apt-get", ["-qq", "-y", "install", "--no-install-recommends", ...packages], options);
  try {
    await install().catch(async () => {
      // The package lists may be missing, or name what is no longer there.
      await run("apt-get", ["-qq", "update"], options);
      await install();
    });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SetupError(`${packages.join(", ")} could not be installed: ${why}\n\nTry it by hand:\n\n    ${byHand}\n`);
  }
  return packages.join(", ");
}
