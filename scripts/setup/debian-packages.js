import fs from "node:fs";
import path from "node:path";
import { isExecutable, searchPath } from "./files.js";
import { SetupError, run } from "./program.js";

/** True where Debian's packages can be fetched and unpacked, which takes no rights. */
export function hasDebianPackages() {
  return ["apt-get", "dpkg-deb"].every((name) =>
    searchPath().some((directory) => isExecutable(path.join(directory, name))),
  );
}

/**
 * Installs packages on this system, if we may.
 * @param {string[]} packages @param {string} failed says what could not be done, without a full stop
 * @returns {Promise<string>}
 * @throws SetupError with the command to type
 */
export async function installDebianPackages(packages, failed) {
  const install = ["install", "--yes", "--no-install-recommends", ...packages];
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
    const byHand = `sudo apt-get install --no-install-recommends ${packages.join(" ")}`;
    throw new SetupError(`${failed}: ${why}\n\nInstall it, then run this again:\n\n    ${byHand}\n`);
  }
}

/**
 * Fetches packages and unpacks them into one directory: nothing is installed, and nothing is started.
 * With the system's package lists if they serve; otherwise with fresh lists of our own, which need no root either.
 * @param {string} work an empty directory, used for what comes on the way
 * @param {(aptOptions: string[]) => Promise<string[]>} choose names the packages; may ask apt-get with these options
 * @returns {Promise<string>} the directory
 */
export async function unpackDebianPackages(work, choose) {
  for (const directory of ["lists/partial", "cache/archives/partial", "unpacked"]) {
    fs.mkdirSync(path.join(work, directory), { recursive: true });
  }
  // As root apt would change to a user of its own, who may not write into the clone.
  const user = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
  const options = ["-qq", ...user, "-o", `Dir::Cache=${path.join(work, "cache")}`];
  const download = async (/** @type {string[]} */ lists) => {
    const names = await choose([...options, ...lists]);
    await run("apt-get", [...options, ...lists, "download", ...names], { cwd: work });
  };
  try {
    await download([]);
  } catch {
    const lists = ["-o", `Dir::State::Lists=${path.join(work, "lists")}`];
    await run("apt-get", [...options, ...lists, "update"], { cwd: work });
    await download(lists);
  }
  const target = path.join(work, "unpacked");
  for (const name of fs.readdirSync(work).filter((file) => file.endsWith(".deb"))) {
    await run("dpkg-deb", ["-x", name, target], { cwd: work });
  }
  return target;
}
