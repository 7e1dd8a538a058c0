import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { processAlive, processes, waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";

const isRoot = process.getuid?.() === 0;
const PID = "export default () => String(process.pid);";

function environmentOf(pid: number): string {
  return readFileSync(`/proc/${pid}/environ`, "utf8");
}

test("nothing of the node's environment is in a sandbox", async () => {
  process.env["NEX_TEST_SECRET"] = "do not tell";
  await using system = await TestSystem.start();
  const { instances } = await system.deploy(`export default () => ({ env: process.env, pid: process.pid });`, {
    env: { MINE: "1" },
  });
  const { env, pid } = (await system.request("fn")).json<{ env: Record<string, string>; pid: number }>();
  assert.deepEqual(env, { MINE: "1" });
  assert.equal(environmentOf(pid), "");
  assert.equal(environmentOf(system.watch.find(instances[0]!.id).pid), "");
  delete process.env["NEX_TEST_SECRET"];
});

test("no descriptor of the node's own is open in a sandbox", async () => {
  await using system = await TestSystem.start();
  const { instances } = await system.deploy(PID);
  const runner = Number((await system.request("fn")).string());
  const agent = system.watch.find(instances[0]!.id).pid;
  for (const pid of [agent, runner]) {
    const targets = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        return [statSync(`/proc/${pid}/fd/${name}`)];
      } catch {
        return [];
      }
    });
    assert.ok(!targets.some((target) => target.isDirectory()), "no directory");
    const files = targets.filter((target) => target.isFile());
    assert.ok(files.length <= 3, `${files.length} files: the programs and nothing else`);
  }
});

test(
  "each sandbox has a user of its own without rights",
  { skip: !isRoot && "only where the node is root" },
  async () => {
    await using system = await TestSystem.start({ poolSize: 3 });
    await waitFor(() => system.pool.readyCount === 3);
    const uids = system.watch.seen.map(({ uid }) => uid);
    assert.equal(new Set(uids).size, 3);
    for (const { pid, uid, directory } of system.watch.seen) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"));
      assert.match(status, new RegExp(`^Gid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"));
      assert.match(status, /^Groups:\s*$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
        assert.match(status, new RegExp(`^${set}:\\t0{16}$`, "m"));
      }
      // Nobody else gets in or can look around.
      assert.equal(statSync(join(directory, "work")).mode & 0o777, 0o700);
      assert.equal(statSync(join(directory, "work")).uid, uid);
      assert.equal(statSync(join(directory, "link", "node.sock")).mode & 0o777, 0o600);
      assert.equal(statSync(join(directory, "link")).mode & 0o777, 0o711);
    }
  },
);

test("a sandbox works under a umask that gives others nothing", async () => {
  const before = process.umask(0o077);
  try {
    await using system = await TestSystem.start();
    await system.deploy(PID);
    assert.match((await system.request("fn")).string(), /^\d+$/);
  } finally {
    process.umask(before);
  }
});

test("a used sandbox is destroyed: its processes are gone, its directory too", async () => {
  await using system = await TestSystem.start();
  const { instances } = await system.deploy(PID);
  const runner = Number((await system.request("fn")).string());
  const { pid, uid, directory } = system.watch.find(instances[0]!.id);
  await system.supervisor.stop("default", "fn");
  assert.equal(existsSync(directory), false);
  assert.equal(processAlive(pid) || processAlive(runner), false);
  if (isRoot)
    assert.deepEqual(
      processes().filter((entry) => entry.uid === uid),
      [],
    );
});
