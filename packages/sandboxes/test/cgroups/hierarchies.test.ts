import assert from "node:assert/strict";
import { test } from "node:test";
import { groupsUpwards, parseHierarchies } from "../../src/cgroups/hierarchies.ts";

const mount = (root: string, at: string, type: string, options: string): string =>
  `30 25 0:26 ${root} ${at} rw,nosuid shared:4 - ${type} ${type} ${options}`;

test("the trees of version 1 are found where they are mounted, with this process's place in each", () => {
  const mounts = [
    mount("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
    mount("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
    mount("/", "/sys/fs/cgroup/freezer", "cgroup", "rw,freezer"),
    "22 27 0:21 / /proc rw,relatime - proc proc rw",
  ].join("\n");
  const groups = "9:cpu,cpuacct:/system.slice/nex.service\n4:memory:/nodes/one\n1:freezer:/\n0::/\n";
  assert.deepEqual(parseHierarchies(mounts, groups), [
    { version: 1, top: "/sys/fs/cgroup/memory", own: "/sys/fs/cgroup/memory/nodes/one", controllers: ["memory"] },
    {
      version: 1,
      top: "/sys/fs/cgroup/cpu,cpuacct",
      own: "/sys/fs/cgroup/cpu,cpuacct/system.slice/nex.service",
      controllers: ["cpu"],
    },
  ]);
});

test("a container sees a part of a tree, whose own place in it is not repeated", () => {
  const mounts = mount("/docker/abc", "/sys/fs/cgroup/pids", "cgroup", "rw,pids");
  const own = (path: string): string | undefined => parseHierarchies(mounts, `5:pids:${path}`)[0]?.own;
  assert.equal(own("/docker/abc"), "/sys/fs/cgroup/pids");
  assert.equal(own("/docker/abc/inner"), "/sys/fs/cgroup/pids/inner");
  assert.equal(own("/elsewhere"), "/sys/fs/cgroup/pids");
});

test("groups are tried from our own upwards, as far as the tree is seen", () => {
  const hierarchy = { version: 2, top: "/sys/fs/cgroup", own: "/sys/fs/cgroup/a.slice/b", controllers: [] } as const;
  assert.deepEqual(groupsUpwards(hierarchy), ["/sys/fs/cgroup/a.slice/b", "/sys/fs/cgroup/a.slice", "/sys/fs/cgroup"]);
  assert.deepEqual(groupsUpwards({ ...hierarchy, own: hierarchy.top }), ["/sys/fs/cgroup"]);
});

test("without any there is nothing to find", () => {
  assert.deepEqual(parseHierarchies("", ""), []);
  assert.deepEqual(parseHierarchies("nonsense", "nonsense"), []);
});
