import fs from "node:fs";
import path from "node:path";
import { readText } from "./files.js";
import { say } from "./talk.js";

const LOOK_AGAIN_MS = 100;

/**
 * Runs `work` while no other set-up of this clone does.
 *
 * The lock is a directory that appears by one rename, with its owner's name inside. One whose owner has died is
 * moved aside under a name made of that owner, which exists from then on: of two who find it only one can.
 * @param {string} lock @param {() => Promise<void>} work
 */
export async function alone(lock, work) {
  const owner = `${process.pid} ${startTime(process.pid) ?? ""}`;
  const mine = `${lock}.${process.pid}`;
  process.once("exit", () => {
    // Moved away first: deleted in place it would be empty for a moment, and whoever takes it then would lose it.
    if (readText(path.join(lock, "owner")) === owner) tryRename(lock, mine);
    fs.rmSync(mine, { recursive: true, force: true });
  });
  let told = false;
  while (!claim(lock, mine, owner)) {
    const holder = readText(path.join(lock, "owner"));
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      tryRename(lock, `${lock}.dead-${holder.trim().replace(" ", "-")}`);
      continue;
    }
    if (!told) say(`waiting for another set-up (process ${holder.split(" ", 1)[0]})`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  const directory = path.dirname(lock);
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith(`${path.basename(lock)}.dead-`))
      fs.rmSync(path.join(directory, name), { recursive: true, force: true });
  }
  await work();
}

/** @param {string} lock @param {string} mine @param {string} owner */
function claim(lock, mine, owner) {
  fs.mkdirSync(mine, { recursive: true });
  fs.writeFileSync(path.join(mine, "owner"), owner);
  return tryRename(mine, lock);
}

/** @param {string} owner process id, and its start time where the system tells: ids are used again */
function isAlive(owner) {
  const [id = "", started = ""] = owner.split(" ");
  try {
    process.kill(Number(id), 0);
  } catch (thrown) {
    return /** @type {NodeJS.ErrnoException} */ (thrown).code === "EPERM";
  }
  return (startTime(Number(id)) ?? "") === started;
}

/** @param {number} pid */
function startTime(pid) {
  // Field 22 of the line; the second field is a name in brackets that may itself hold spaces and brackets.
  return readText(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ")[19];
}

/** False if the target is there and not empty, or the source is gone. @param {string} from @param {string} to */
function tryRename(from, to) {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (thrown) {
    const { code = "" } = /** @type {NodeJS.ErrnoException} */ (thrown);
    // Windows says EPERM where others say ENOTEMPTY.
    if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(code) || (code === "EPERM" && process.platform === "win32"))
      return false;
    throw thrown;
  }
}
