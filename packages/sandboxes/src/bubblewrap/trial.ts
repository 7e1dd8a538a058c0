import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { findCgroups } from "../cgroups/cgroups.ts";
import { endOf } from "../child-end.ts";
import { borrowUserId, returnUserId } from "../process/user-ids.ts";
import { SETPRIV } from "../setpriv.ts";
import { launch } from "./launch.ts";

/** Usually 20; a busy machine may take seconds. ms */
const TRIAL_DEADLINE_MS = 10_000;

const TRIAL_DISK = 2 ** 20;

/** Switches by which a kernel keeps ordinary users from making namespaces of their own. */
const SWITCHES = [
  { name: "kernel.unprivileged_userns_clone", off: "0", remedy: "sysctl kernel.unprivileged_userns_clone=1" },
  { name: "user.max_user_namespaces", off: "0", remedy: "sysctl user.max_user_namespaces=15000" },
  {
    name: "kernel.apparmor_restrict_unprivileged_userns",
    off: "1",
    remedy: "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that lets bwrap make them",
  },
];

/** Really starts a sandbox, with nothing in it but Node saying its version. @returns why that does not work here */
export async function tryBubblewrap(bubblewrap: string): Promise<string | undefined> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && SETPRIV === undefined)
    return "the node is root and `setpriv` (package util-linux) is missing, so rights cannot be dropped";
  await using stack = new AsyncDisposableStack();
  try {
    const uid = isRoot ? await borrowUserId() : undefined;
    if (uid !== undefined) stack.defer(() => returnUserId(uid));
    // For root not in TMPDIR, which may be closed to other users.
    const directory = await mkdtemp(join(isRoot ? "/tmp" : tmpdir(), "nex-trial-"));
    stack.defer(async () => await rm(directory, { recursive: true, force: true }));
    const link = join(directory, "link");
    await mkdir(link);
    const cgroup = findCgroups().create("trial");
    stack.defer(async () => await cgroup.remove());
    const node = process.execPath;
    const { child } = await launch({
      uid,
      cgroupEntrances: cgroup.entrances,
      shareNetwork: false,
      diskBytes: TRIAL_DISK,
      command: (programs) => [programs.node, "--version"],
      bubblewrap,
      programs: { node, agent: node, runner: node },
      directory,
      link,
      metadata: "",
    });
    child.on("error", () => undefined);
    const over = new AbortController();
    const deadline = sleep(TRIAL_DEADLINE_MS, undefined, { signal: over.signal }).then(
      () => child.kill("SIGKILL"),
      () => undefined,
    );
    const [end, said, errors] = await Promise.all([endOf(child), text(child.stdout!), text(child.stderr!)]);
    over.abort();
    await deadline;
    if (end.exitCode === 0 && said.trim() === process.version) return undefined;
    return explain(errors.trim() || `it ended with ${end.signal ?? `exit code ${end.exitCode}`}`);
  } catch (error) {
    return explain((error as Error).message);
  }
}

function explain(said: string): string {
  const line = said.split("\n").at(-1)!.slice(0, 300);
  const off = SWITCHES.find(({ name, off: value }) => readSwitch(name) === value);
  if (off !== undefined)
    return `this kernel does not let ordinary users make namespaces (${off.name} is ${off.off}): ${line}. Allow it with: ${off.remedy}`;
  if (existsSync("/.dockerenv")) return `a trial failed, as it does in containers without the right to mount: ${line}`;
  return `a trial failed: ${line}`;
}

function readSwitch(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "latin1").trim();
  } catch {
    return undefined;
  }
}
