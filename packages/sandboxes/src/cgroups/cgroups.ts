import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRunning, processIdentity } from "@nex/system";
import type { SandboxLimit } from "../sandbox.ts";
import { Cgroup, type GroupPlace } from "./cgroup.ts";
import { LIMIT_OF } from "./controllers.ts";
import { type Controller, CONTROLLERS, findHierarchies, groupsUpwards, type Hierarchy } from "./hierarchies.ts";

/** Before the name of every group of ours; node and start of it follow, so that what a killed node left is known. */
const PREFIX = "nex";

/** Moves itself, as a sandbox's first process will. */
const TRY_TO_ENTER = 'echo 0 > "$1/cgroup.procs"';

/** Where this node can make control groups, and which limits hold in them. */
export class Cgroups {
  readonly limits: ReadonlySet<SandboxLimit>;
  readonly #parents: readonly GroupPlace[];

  constructor(parents: readonly GroupPlace[]) {
    this.#parents = parents;
    this.limits = new Set(parents.flatMap(({ controllers }) => controllers.map((one) => LIMIT_OF[one])));
  }

  /** A new group that holds nothing and limits nothing. @param name unique on this node */
  create(name: string): Cgroup {
    const group = new Cgroup(
      this.#parents.map((parent) => ({ ...parent, directory: join(parent.directory, ownName(name)) })),
    );
    group.make();
    return group;
  }

  /** Takes away empty groups of nodes that were killed. Groups that still hold something are left alone. */
  removeLeftovers(): void {
    for (const { directory } of this.#parents) {
      for (const name of readdirSync(directory)) {
        if (isLeftover(name)) tryTo(() => rmdirSync(join(directory, name)));
      }
    }
  }
}

let found: Cgroups | undefined;

/** Looked for once: it takes some milliseconds, and a machine does not change under a running node. */
export function findCgroups(): Cgroups {
  found ??= new Cgroups(findHierarchies().flatMap((hierarchy) => placeIn(hierarchy) ?? []));
  return found;
}

/**
 * The group nearest to ours below which we may make some: limits that an operator has set for the node hold its
 * sandboxes too. In version 2 a group that has processes of its own can have none below it that are controlled, so
 * there it is usually the parent of ours.
 */
function placeIn(hierarchy: Hierarchy): GroupPlace | undefined {
  for (const directory of groupsUpwards(hierarchy)) {
    const controllers = tryOut(hierarchy, directory);
    if (controllers.length > 0) return { version: hierarchy.version, directory, controllers };
  }
  return undefined;
}

/** What can be controlled in a group below `directory`; nothing if a process cannot be moved into one. */
function tryOut({ version, controllers }: Hierarchy, directory: string): readonly Controller[] {
  const group = join(directory, ownName("trial"));
  try {
    if (version === 2) for (const one of controllers) passOn(directory, one);
    mkdirSync(group);
  } catch {
    return [];
  }
  try {
    const { status } = spawnSync("/bin/sh", ["-c", TRY_TO_ENTER, "sh", group], { stdio: "ignore", env: {} });
    if (status !== 0) return [];
    return version === 1 ? controllers : offeredIn(group);
  } finally {
    tryTo(() => rmdirSync(group));
  }
}

/** Lets groups below have a controller. Where the kernel refuses, they may have it already. */
function passOn(directory: string, controller: Controller): void {
  tryTo(() => writeFileSync(join(directory, "cgroup.subtree_control"), `+${controller}`));
}

function offeredIn(group: string): Controller[] {
  const offered = readFileSync(join(group, "cgroup.controllers"), "utf8").trim().split(" ");
  return CONTROLLERS.filter((controller) => offered.includes(controller));
}

function ownName(name: string): string {
  return `${PREFIX}.${process.pid}.${startOf(process.pid)}.${name}`;
}

function isLeftover(name: string): boolean {
  const [prefix, pid, start] = name.split(".");
  if (prefix !== PREFIX || !/^\d+$/.test(pid ?? "")) return false;
  const owner = processIdentity(Number(pid));
  return owner === undefined || startOf(owner.pid) !== start || !isRunning(owner);
}

/** Ticks since boot. */
function startOf(pid: number): string {
  return processIdentity(pid)?.started.split(":").at(-1) ?? "0";
}

function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // Gone already, in use, or not allowed: each leaves things as they were.
  }
}
