import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { processes, startProgram, waitFor } from "@nex/testing";
import { machineName, isLeftover } from "../../src/firecracker/machine-name.ts";
import { remainsOf } from "./support/remains.ts";
import { StandIn, TestOrder } from "./support/stand-in.ts";

const skip = process.getuid?.() !== 0 && "only root can make machines";

test(
  "kill -9 of a node ends its machines at once; the next node takes back the rest, and leaves the living's alone",
  { skip },
  async () => {
    await using standIn = await StandIn.make();
    const living = await standIn.driver.start(new TestOrder("l"));
    await using stack = new AsyncDisposableStack();
    stack.defer(async () => await living.destroy(0));
    const node = stack.use(await startProgram(join(import.meta.dirname, "support/machine-process.ts")));
    const told = JSON.parse(node.line) as { readonly name: string; readonly jails: string; readonly directory: string };
    const { name, jails } = told;
    // What a killed process leaves on disk. Not below a directory of the test's own: a jail's path is short.
    stack.defer(async () => await rm(told.directory, { recursive: true, force: true }));
    const { uid } = statSync(join(jails, name, "root"));
    const guardians = (): number => processes().filter(({ command }) => command.includes(`--id ${name}`)).length;
    assert.ok(guardians() >= 3, "unshare, sh and what the jailer became");
    assert.ok(remainsOf(name, jails).length >= 3);
    await node.kill("SIGKILL");
    await waitFor(() => guardians() === 0 && !processes().some((entry) => entry.uid === uid), {
      message: "the end of the machine",
    });
    // Nobody has tidied up yet.
    assert.ok(remainsOf(name, jails).length >= 3);

    // The next node uses the same place for jails.
    await cp(join(jails, name), join(standIn.jails, name), {
      recursive: true,
      filter: (path) => !path.endsWith("/api"),
    });
    await using next = await StandIn.make({ chroot_base: join(standIn.directory, "j") });
    const sandbox = await next.driver.start(new TestOrder("m"));
    try {
      assert.deepEqual(remainsOf(name, standIn.jails), []);
      assert.ok(remainsOf(machineName("l"), standIn.jails).length >= 3);
    } finally {
      await sandbox.destroy(0);
    }
  },
);

test("a name is a leftover's if its node is gone, or its number has gone to another process", () => {
  const name = machineName("a");
  assert.equal(isLeftover(name), false);
  const [, pid, started] = name.split("-");
  assert.equal(isLeftover(`nex-${pid}-${started}x-a`), true);
  assert.equal(isLeftover(`nex-4194305-${started}-a`), true);
  for (const other of ["nex", "nexus-1-2-a", "blue", `nex-${pid}`, "cni-1234"]) assert.equal(isLeftover(other), false);
});
