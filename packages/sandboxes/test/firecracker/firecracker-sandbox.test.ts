import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { processes, waitFor } from "@nex/testing";
import { findCgroups, PARENT_CGROUP } from "../../src/firecracker/cgroup.ts";
import { createFirecrackerDriver } from "../../src/firecracker/firecracker-sandbox.ts";
import { machineName } from "../../src/firecracker/machine-name.ts";
import { GuestNetwork } from "./support/guest-network.ts";
import { allRemains, remainsOf } from "./support/remains.ts";
import { StandIn, TestOrder } from "./support/stand-in.ts";

const skip = process.getuid?.() !== 0 && "only root can make machines";

function cgroupValue(controller: "cpu" | "memory" | "pids", name: string, file: string): string {
  return readFileSync(join(findCgroups()!.controllers[controller], PARENT_CGROUP, name, file), "utf8").trim();
}

describe("a Firecracker sandbox", { skip }, () => {
  test("is set up by requests that the API's description allows, in the order it asks for", async () => {
    await using standIn = await StandIn.make({
      cpus: 1.5,
      cpu_template: "T2S",
      disk_rate: { bytes_per_second: "10MiB", operations_per_second: 500 },
    });
    const order = new TestOrder("a");
    const sandbox = await standIn.driver.start(order);
    try {
      const requests = standIn.requests();
      assert.deepEqual(
        requests.filter(({ fault }) => fault !== undefined),
        [],
      );
      assert.deepEqual(
        requests.map(({ method, path }) => `${method} ${path}`),
        [
          "PUT /logger",
          "PUT /machine-config",
          "PUT /boot-source",
          "PUT /drives/rootfs",
          "PUT /network-interfaces/eth0",
          "PUT /mmds/config",
          "PUT /entropy",
          "PUT /mmds",
          "PUT /actions",
        ],
      );
      const body = (path: string): Readonly<Record<string, unknown>> => requests.find((one) => one.path === path)!.body;
      assert.deepEqual(body("/machine-config"), {
        vcpu_count: 2,
        mem_size_mib: 256,
        smt: false,
        track_dirty_pages: false,
        cpu_template: "T2S",
      });
      // Firecracker's default would forbid modules and the console.
      assert.match(String(body("/boot-source")["boot_args"]), /console=ttyS0.*root=\/dev\/vda ro.*reboot=k/);
      assert.equal(body("/drives/rootfs")["is_read_only"], true);
      assert.deepEqual(body("/drives/rootfs")["rate_limiter"], {
        bandwidth: { size: 2 ** 20, refill_time: 100 },
        ops: { size: 500, refill_time: 1000 },
      });
      const full = {
        bandwidth: { size: Math.round((128 * 2 ** 20) / 10), refill_time: 100 },
        ops: { size: 10_000, refill_time: 100 },
      };
      const { rx_rate_limiter: received, tx_rate_limiter: sent } = body("/network-interfaces/eth0");
      assert.deepEqual([received, sent], [full, full]);
      assert.deepEqual(body("/mmds/config"), {
        version: "V2",
        network_interfaces: ["eth0"],
        ipv4_address: "169.254.169.254",
      });
      assert.deepEqual(body("/mmds"), { nex: { agent_id: "a", link: "tcp:169.254.0.22:9222", token: "token-1" } });
      await waitFor(() => order.lines.includes("Welcome to the stand-in"), { message: "the guest's console" });
    } finally {
      await sandbox.destroy(1000);
    }
  });

  test("has a user, a jail, control groups and a network of its own, and takes all of them back", async () => {
    await using standIn = await StandIn.make({ cpus: 0.5 });
    const [first, second] = await Promise.all(
      ["b1", "b2"].map(async (id) => await standIn.driver.start(new TestOrder(id))),
    );
    const names = ["b1", "b2"].map(machineName);
    try {
      const jails = names.map((name) => join(standIn.jails, name, "root"));
      const uids = jails.map((jail) => statSync(jail).uid);
      assert.equal(new Set(uids).size, 2);
      for (const [i, name] of names.entries()) {
        assert.ok(uids[i]! >= 61_184, "a user that nobody has");
        const mine = processes().filter(({ uid }) => uid === uids[i]);
        assert.equal(mine.length, 1);
        assert.match(readFileSync(`/proc/${mine[0]!.pid}/status`, "utf8"), /^NSpid:\t\d+\t\d+$/m);
        assert.equal(statSync(`/proc/${mine[0]!.pid}/ns/net`).ino, statSync(`/run/netns/${name}`).ino);
        assert.equal(statSync(join(standIn.jails, name)).mode & 0o777, 0o700);
        // Shared with all others, and so not to be written by any.
        const rootfs = statSync(join(jails[i]!, "rootfs.ext4"));
        assert.deepEqual([rootfs.uid, rootfs.mode & 0o022], [0, 0]);
        assert.equal(rootfs.ino, statSync(join(standIn.config.imageDirectory, "rootfs.ext4")).ino);
        assert.match(cgroupValue("pids", name, "cgroup.procs"), new RegExp(`^${mine[0]!.pid}$`, "m"));
      }
      const limit = findCgroups()!.version === 2 ? "memory.max" : "memory.limit_in_bytes";
      assert.equal(Number(cgroupValue("memory", names[0]!, limit)), (256 + 96) * 2 ** 20);
      assert.equal(cgroupValue("pids", names[0]!, "pids.max"), "17");
      await first!.narrow({ cpus: 0.25 });
      const quota = (name: string): string =>
        findCgroups()!.version === 2
          ? cgroupValue("cpu", name, "cpu.max")
          : cgroupValue("cpu", name, "cpu.cfs_quota_us");
      assert.match(quota(names[0]!), /^25000/);
      assert.match(quota(names[1]!), /^50000/);
      await first!.destroy(1000);
      assert.deepEqual(remainsOf(names[0]!, standIn.jails), []);
      assert.deepEqual(
        processes().filter(({ uid }) => uid === uids[0]),
        [],
      );
      assert.ok(remainsOf(names[1]!, standIn.jails).length >= 3, "the other one is untouched");
    } finally {
      await Promise.all([first!.destroy(0), second!.destroy(0)]);
    }
    assert.deepEqual(allRemains(standIn.jails), []);
    assert.deepEqual(readdirSync(standIn.config.imageDirectory).length, 4);
  });

  test("a connection from its guest comes to its node, and by that is known to be its own", async () => {
    await using standIn = await StandIn.make();
    const [one, two] = [new TestOrder("c1"), new TestOrder("c2")];
    const sandboxes = await Promise.all([one, two].map(async (order) => await standIn.driver.start(order)));
    try {
      await using guest = await GuestNetwork.attach(machineName("c2"));
      const answer = guest.run(`
        const socket = require("node:net").connect(9222, "169.254.0.22", () => socket.write("hello"));
        socket.pipe(process.stdout);
      `);
      const socket = await waitFor(() => two.connections[0], { message: "the guest's connection" });
      const [heard] = (await once(socket, "data")) as [Buffer];
      socket.end(`heard ${heard.toString()}`);
      assert.equal(await answer, "heard hello");
      assert.equal(one.connections.length, 0);
    } finally {
      await Promise.all(sandboxes.map(async (sandbox) => await sandbox.destroy(0)));
    }
  });

  test("an agent that starts again finds a new token", async () => {
    await using standIn = await StandIn.make();
    const sandbox = await standIn.driver.start(new TestOrder("d"));
    try {
      await sandbox.revive!();
      const { method, path, body, fault } = standIn.requests().at(-1)!;
      assert.deepEqual(
        { method, path, body, fault },
        {
          method: "PATCH",
          path: "/mmds",
          body: { nex: { agent_id: "d", link: "tcp:169.254.0.22:9222", token: "token-2", resume: null } },
          fault: undefined,
        },
      );
    } finally {
      await sandbox.destroy(0);
    }
  });

  test("is asked to end by Ctrl-Alt-Del and ends by that", async () => {
    await using standIn = await StandIn.make();
    const sandbox = await standIn.driver.start(new TestOrder("e"));
    await sandbox.destroy(10_000);
    assert.deepEqual(standIn.requests().at(-1)!.body, { action_type: "SendCtrlAltDel" });
    assert.deepEqual(await sandbox.ended, { exitCode: 0, signal: null });
  });

  test("is killed when it does not end within its grace", async () => {
    await using standIn = await StandIn.make({ mode: "deaf" });
    const sandbox = await standIn.driver.start(new TestOrder("f"));
    await sandbox.destroy(100);
    assert.equal((await sandbox.ended).signal, "SIGKILL");
    assert.deepEqual(allRemains(standIn.jails), []);
  });

  test("that ends by itself says so", async () => {
    await using standIn = await StandIn.make();
    const sandbox = await standIn.driver.start(new TestOrder("g"));
    try {
      const { uid } = statSync(join(standIn.jails, machineName("g"), "root"));
      process.kill(processes().find((entry) => entry.uid === uid)!.pid, "SIGKILL");
      assert.deepEqual(await sandbox.ended, { exitCode: 137, signal: null });
    } finally {
      await sandbox.destroy(0);
    }
    assert.deepEqual(allRemains(standIn.jails), []);
  });

  test("that cannot be built says why, and leaves nothing", async () => {
    await using standIn = await StandIn.make({ mode: "broken" });
    await assert.rejects(standIn.driver.start(new TestOrder("h")), {
      code: "sandbox_failed",
      message: /exit code 1.*the jail cannot be built/,
    });
    assert.deepEqual(allRemains(standIn.jails), []);
  });

  test("whose machine is refused says why in Firecracker's words, and leaves nothing", async () => {
    await using standIn = await StandIn.make();
    const config = { ...standIn.config, limits: { ...standIn.config.limits, cpus: 33 } };
    await assert.rejects(createFirecrackerDriver(config).start(new TestOrder("i")), {
      code: "sandbox_failed",
      message: /refused PUT \/machine-config: .*33 is more than 32/,
    });
    assert.deepEqual(allRemains(standIn.jails), []);
    assert.equal(existsSync(join(standIn.config.imageDirectory, "vmlinux")), true);
  });
});
