import fs from "node:fs";

const LOOK_EVERY_MS = 250;

/**
 * @typedef {{ pid: number, parent: number, group: number, session: number, started: string, command: string }} ProcessInfo
 */

/**
 * Knows the processes that a test run started, on systems with /proc. Workloads get an environment of their own and
 * change their parent when theirs dies, so several signs count: the run's mark in the environment; the run's directory
 * among arguments, environment, working directory or open files; having been seen below the run while it lasted, or
 * belonging to the group or session of one that was.
 */
export class ProcessWatch {
  #mark;
  #directory;
  #began = Number(readProcess(process.pid)?.started ?? 0);
  /** Descendants seen so far: id and start time, because ids are used again. @type {Set<string>} */
  #seen = new Set();
  /** Ids of all descendants seen, for those whose group or session they lead. @type {Set<number>} */
  #leaders = new Set();
  #timer;

  /** @param {string} mark value of NEX_TEST_RUN @param {string} directory the run's own */
  constructor(mark, directory) {
    this.#mark = `NEX_TEST_RUN=${mark}`;
    this.#directory = directory;
    this.#timer = setInterval(() => this.#lookAtDescendants(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** What this process itself has started. @returns {ProcessInfo[]} */
  children() {
    return listProcesses().filter(({ parent }) => parent === process.pid);
  }

  /** Those that are still there. @returns {ProcessInfo[]} */
  find() {
    this.#lookAtDescendants();
    return listProcesses().filter((info) => this.#isOurs(info));
  }

  /** Ends one, if it is still the same process. @param {ProcessInfo} info */
  kill(info) {
    try {
      if (readProcess(info.pid)?.started === info.started) process.kill(info.pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }

  #lookAtDescendants() {
    const all = listProcesses();
    const family = new Set([process.pid]);
    for (const { pid, started } of all) if (this.#seen.has(`${pid} ${started}`)) family.add(pid);
    // A child may come before its parent in the list; each round adds at least one generation.
    for (let before = 0; before !== family.size;) {
      before = family.size;
      for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
    }
    family.delete(process.pid);
    for (const { pid, started } of all) {
      if (!family.has(pid)) continue;
      this.#seen.add(`${pid} ${started}`);
      this.#leaders.add(pid);
    }
  }

  /** @param {ProcessInfo} info */
  #isOurs({ pid, started, group, session }) {
    if (pid === process.pid || Number(started) < this.#began) return false;
    if (this.#seen.has(`${pid} ${started}`) || this.#leaders.has(group) || this.#leaders.has(session)) return true;
    const environment = read(`/proc/${pid}/environ`);
    if (environment.includes(this.#mark)) return true;
    const places = [environment, read(`/proc/${pid}/cmdline`), readLink(`/proc/${pid}/cwd`), ...openFiles(pid)];
    return places.some((text) => text.includes(this.#directory));
  }
}

/** Living ones; a process that only waits to be reaped holds nothing. @returns {ProcessInfo[]} */
function listProcesses() {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** @param {number} pid @returns {ProcessInfo | undefined} */
function readProcess(pid) {
  const stat = read(`/proc/${pid}/stat`);
  // The name stands in brackets and may hold spaces and brackets itself; field 3 follows it.
  const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group, session] = fields;
  const started = fields[19];
  if (started === undefined || state === "Z" || state === "X") return undefined;
  const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  const ids = { pid, parent: Number(parent), group: Number(group), session: Number(session) };
  return { ...ids, started, command: command === "" ? name : command };
}

/** @param {number} pid @returns {string[]} */
function openFiles(pid) {
  return list(`/proc/${pid}/fd`).map((descriptor) => readLink(`/proc/${pid}/fd/${descriptor}`));
}

/** Empty for what is gone or may not be read. @param {string} file */
function read(file) {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

/** @param {string} file */
function readLink(file) {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}

/** @param {string} directory @returns {string[]} */
function list(directory) {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}
