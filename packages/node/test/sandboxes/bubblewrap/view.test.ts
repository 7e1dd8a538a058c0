import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { attack, buildAttacker, outcomeOf } from "../../support/attacker.ts";
import { makeBubblewrapDriver, noBubblewrap, MEBIBYTE } from "@nex/testing/sandboxes";
import { TestSystem } from "../../support/system.ts";

const isRoot = process.getuid?.() === 0;

/** What the agent of a sandbox sees, looked at from outside through its own root. */
async function withAgent(use: (pid: number, root: string, system: TestSystem) => Promise<void> | void): Promise<void> {
  await using system = await TestSystem.start({ driver: makeBubblewrapDriver({ diskBytes: 16 * MEBIBYTE }) });
  const { instances } = await system.deploy("export default () => 'here';");
  const { pid } = system.watch.find(instances[0]!.id);
  await use(pid, `/proc/${pid}/root`, system);
}

const list = (path: string): string[] => readdirSync(path).sort();

test(
  "an agent sees a handful of files and directories, and can write to one",
  { skip: noBubblewrap || !isRoot },
  async () => {
    await withAgent((pid, root) => {
      assert.deepEqual(
        list(root).filter((name) => !["lib", "lib64", "usr"].includes(name)),
        ["dev", "etc", "home", "proc", "run", "tmp"],
      );
      assert.deepEqual(list(join(root, "dev")), ["fd", "full", "null", "random", "urandom", "zero"]);
      assert.deepEqual(list(join(root, "etc")), ["group", "hosts", "nsswitch.conf", "passwd", "resolv.conf", "ssl"]);
      assert.deepEqual(list(join(root, "run")), ["nex"]);
      assert.deepEqual(list(join(root, "run/nex")), ["node.sock"]);
      assert.deepEqual(list(join(root, "home")), ["hosts", "nex", "tmp"]);
      assert.deepEqual(
        list(join(root, "usr")).filter((name) => name !== "lib"),
        ["bin", "share"],
      );
      assert.deepEqual(list(join(root, "usr/bin")), ["setpriv"]);
      assert.equal(readFileSync(join(root, "etc/passwd"), "utf8").split("\n").length, 2);
      assert.equal(readFileSync(join(root, "etc/resolv.conf"), "utf8"), "");
      const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8").trim().split("\n");
      const writable = mounts
        .map((line) => line.split(" "))
        .filter(([, , , , , options]) => options!.split(",").includes("rw"))
        .map(([, , , , at]) => at);
      const devices = ["full", "null", "random", "urandom", "zero"].map((name) => `/dev/${name}`);
      assert.deepEqual(new Set(writable), new Set([...devices, "/home", "/proc"]));
    });
  },
);

test("an agent has no rights, no way to any, and nobody's environment", { skip: noBubblewrap || !isRoot }, async () => {
  process.env["NEX_TEST_SECRET"] = "do not tell";
  await withAgent((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      assert.match(status, new RegExp(`^${set}:\\t0{16}$`, "m"));
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    assert.match(status, /^Groups:\s*(65534)?\s*$/m);
    assert.doesNotMatch(status, /^Uid:\t0/m);
    assert.equal(readFileSync(`/proc/${pid}/environ`, "utf8"), "PWD=/home/nex\0");
    for (const kind of ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]) {
      const [inside, outside] = [`/proc/${pid}/ns/${kind}`, `/proc/self/ns/${kind}`].map((path) => statSync(path).ino);
      assert.notEqual(inside, outside, kind);
    }
    const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
    assert.match(limits, /^Max core file size +0 +0 /m);
    assert.match(limits, new RegExp(`^Max file size +${16 * MEBIBYTE} +${16 * MEBIBYTE} `, "m"));
  });
  delete process.env["NEX_TEST_SECRET"];
});

test("no descriptor of the node's own is open in an agent", { skip: noBubblewrap || !isRoot }, async () => {
  await withAgent((pid) => {
    const targets = readdirSync(`/proc/${pid}/fd`)
      .map((name) => statSync(`/proc/${pid}/fd/${name}`, { throwIfNoEntry: false }))
      .filter((target) => target !== undefined);
    assert.ok(!targets.some((target) => target.isDirectory()), "no directory");
    const files = targets.filter((target) => target.isFile());
    assert.ok(files.length <= 4, `${files.length} files: the programs and bubblewrap`);
  });
});

test("the file of hosts can be written, and programs read it", { skip: noBubblewrap }, async () => {
  await using system = await TestSystem.start({ driver: makeBubblewrapDriver() });
  const { instances } = await system.deploy("export default () => 'here';");
  const { pid } = system.watch.find(instances[0]!.id);
  const hosts = `/proc/${pid}/root/home/hosts`;
  assert.match(readFileSync(hosts, "utf8"), /^127\.0\.0\.1 localhost$/m);
  assert.equal(statSync(hosts).mode & 0o200, 0o200);
});

test("ports below 1024 are free to use inside", { skip: noBubblewrap }, async () => {
  const attacker = await buildAttacker();
  await using system = await TestSystem.start({ driver: makeBubblewrapDriver() });
  await system.deploy(attacker, attack("listen", 443));
  assert.equal(await outcomeOf(system, "listen"), "succeeded");
});

test("nothing of this machine's network is inside", { skip: noBubblewrap }, async () => {
  await withAgent((pid) => {
    // Read through the process, whose network it is.
    const lines = readFileSync(`/proc/${pid}/net/dev`, "utf8").trim().split("\n").slice(2);
    assert.deepEqual(
      lines.map((line) => line.trim().split(":")[0]),
      ["lo"],
    );
  });
});

test(
  "an operator who shares the network shares all of it, and how hosts are found",
  { skip: noBubblewrap },
  async () => {
    await using system = await TestSystem.start({ driver: makeBubblewrapDriver({ shareNetwork: true }) });
    const { instances } = await system.deploy("export default () => 'here';");
    const { pid } = system.watch.find(instances[0]!.id);
    assert.equal(statSync(`/proc/${pid}/ns/net`).ino, statSync("/proc/self/ns/net").ino);
    if (existsSync("/etc/resolv.conf"))
      assert.equal(readFileSync(`/proc/${pid}/root/etc/resolv.conf`, "utf8"), readFileSync("/etc/resolv.conf", "utf8"));
  },
);
