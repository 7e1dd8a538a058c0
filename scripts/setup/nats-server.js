import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { hasDebianPackages, unpackDebianPackages } from "./debian-packages.js";
import { isExecutable, searchPath } from "./files.js";
import { SetupError } from "./program.js";

const BY_HAND = "sudo apt-get install nats-server";

/**
 * Finds the server in the same places and order as the code that starts it: `NEX_NATS_SERVER`, `.tools`, PATH, and
 * the directories for servers, which are not in an ordinary user's PATH.
 * @param {string} tools @returns {string | undefined}
 */
export function findNatsServer(tools) {
  const named = process.env["NEX_NATS_SERVER"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return named;
    throw new SetupError(`NEX_NATS_SERVER names ${named}, which is not a program. Correct the variable, or unset it.`);
  }
  const name = process.platform === "win32" ? "nats-server.exe" : "nats-server";
  const directories = [path.join(tools, "usr/sbin"), ...searchPath(), "/usr/sbin", "/usr/local/sbin"];
  return directories.map((directory) => path.join(directory, name)).find(isExecutable);
}

/**
 * Unpacks Debian's package below `tools`. That needs no rights, and unlike an installation it does not start a
 * broker on this machine.
 * @param {string} tools @returns {Promise<string>}
 */
export async function fetchNatsServer(tools) {
  if (!hasDebianPackages()) {
    const how =
      process.platform === "darwin" ? "brew install nats-server" : "your system's package, or a release from nats.io";
    throw new SetupError(`nats-server is not installed. Install it (${how}), or name the program in NEX_NATS_SERVER.`);
  }
  const work = path.join(tools, "nats-server.partial");
  try {
    fs.rmSync(work, { recursive: true, force: true });
    const unpacked = await unpackDebianPackages(work, async () => ["nats-server"]);
    return takeOver(unpacked, path.join(tools, "usr"));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SetupError(
      `nats-server could not be fetched: ${why}\n\nInstall it, then run this again:\n\n    ${BY_HAND}\n`,
    );
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} unpacked @param {string} target */
function takeOver(unpacked, target) {
  const version = spawnSync(path.join(unpacked, "usr/sbin/nats-server"), ["--version"], { encoding: "utf8" });
  if (version.status !== 0) throw new SetupError("the program in Debian's package does not run here.");
  fs.rmSync(target, { recursive: true, force: true });
  fs.renameSync(path.join(unpacked, "usr"), target);
  return `${/v?\d\S*/.exec(version.stdout)?.[0] ?? ""} into .tools`;
}
