import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { hasDebianPackages, unpackDebianPackages } from "./debian-packages.js";
import { isExecutable, searchPath } from "./files.js";
import { SetupError } from "./program.js";

const BY_HAND = "sudo apt-get install bubblewrap";

/**
 * Finds the program in the same places as the code that starts it: `NEX_BUBBLEWRAP`, `.tools`, PATH.
 * @param {string} tools @returns {string | undefined}
 */
export function findBubblewrap(tools) {
  const named = process.env["NEX_BUBBLEWRAP"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return named;
    throw new SetupError(`NEX_BUBBLEWRAP names ${named}, which is not a program. Correct the variable, or unset it.`);
  }
  const places = searchPath().map((directory) => path.join(directory, "bwrap"));
  return [path.join(tools, "bubblewrap/usr/bin/bwrap"), ...places].find(isExecutable);
}

/**
 * Unpacks Debian's package below `tools`, which needs no rights and changes nothing else on this machine.
 * @param {string} tools @returns {Promise<string>}
 */
export async function fetchBubblewrap(tools) {
  const work = path.join(tools, "bubblewrap.partial");
  try {
    if (!hasDebianPackages()) throw new SetupError("this system has no Debian packages.");
    fs.rmSync(work, { recursive: true, force: true });
    const unpacked = await unpackDebianPackages(work, async () => ["bubblewrap"]);
    const version = spawnSync(path.join(unpacked, "usr/bin/bwrap"), ["--version"], { encoding: "utf8" });
    if (version.status !== 0) throw new SetupError("the program in Debian's package does not run here.");
    fs.rmSync(path.join(tools, "bubblewrap"), { recursive: true, force: true });
    fs.renameSync(unpacked, path.join(tools, "bubblewrap"));
    return `${/\d[\d.]*/.exec(version.stdout)?.[0] ?? ""} into .tools`;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SetupError(
      `bubblewrap, the sandbox that workloads run in, could not be fetched: ${why}\n\n` +
        `Install it, then run this again:\n\n    ${BY_HAND}\n`,
    );
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
