import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What we have the kernel control. */
export const CONTROLLERS = ["memory", "pids", "cpu"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** One tree of control groups, and where this process is in it. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Directory of the group this process is in. */
  readonly own: string;
  /** Topmost directory of the tree that can be seen. */
  readonly top: string;
  /** Of ours. In version 2 what the top offers; a group further down may offer less. */
  readonly controllers: readonly Controller[];
}

/** The trees that hold our controllers: one in version 2, up to three in version 1, and both kinds where they are mixed. */
export function findHierarchies(): Hierarchy[] {
  try {
    return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"), readFileSync("/proc/self/cgroup", "utf8"));
  } catch {
    // No Linux, or one without control groups.
    return [];
  }
}

/** @param mounts `/proc/self/mountinfo` @param groups `/proc/self/cgroup`: lines of number, controllers and path */
export function parseHierarchies(mounts: string, groups: string): Hierarchy[] {
  const paths = groups.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers: controllers.split(","), path }];
  });
  return mounts.split("\n").flatMap((line): Hierarchy[] => {
    const [before = "", after = ""] = line.split(" - ");
    const [type = "", , options = ""] = after.split(" ");
    const [, , , root = "", top = ""] = before.split(" ");
    const offered = type === "cgroup2" ? unifiedControllers(top) : type === "cgroup" ? options.split(",") : [];
    const controllers = CONTROLLERS.filter((controller) => offered.includes(controller));
    if (controllers.length === 0) return [];
    const ours = paths.find(({ controllers: named }) => named.includes(type === "cgroup2" ? "" : controllers[0]!));
    if (ours === undefined) return [];
    return [{ version: type === "cgroup2" ? 2 : 1, top, own: locate(top, root, ours.path), controllers }];
  });
}

/** A container may see only a part of the tree, whose own place in it is `root`. */
function locate(top: string, root: string, path: string): string {
  const below = relative(root, path);
  return below === "" || below.startsWith("..") ? top : join(top, below);
}

function unifiedControllers(top: string): string[] {
  try {
    return readFileSync(join(top, "cgroup.controllers"), "utf8").trim().split(" ");
  } catch {
    return [];
  }
}

/** From the group this process is in up to the top. */
export function groupsUpwards({ own, top }: Hierarchy): string[] {
  const found = [own];
  for (let directory = own; directory !== top && directory.startsWith(top); directory = dirname(directory))
    found.push(dirname(directory));
  return found;
}
