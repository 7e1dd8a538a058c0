import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { processAlive, processes, waitFor } from "@nex/testing";
import { attack, buildAttacker, outcomeOf } from "../../support/attacker.ts";
import { type MakeDriver, MEBIBYTE } from "@nex/testing/sandboxes";
import { TestSystem } from "../../support/system.ts";

/** What a sandbox does about attacks. One that is no boundary lets them succeed, which shows that they are any good. */
export type Outcome = "succeeded" | "held";

export interface HostileSuiteOptions {
  readonly makeDriver: MakeDriver;
  /** Why not on this machine. */
  readonly skip?: string | false;
  /** Of every attack that is not named in `differently`. */
  readonly outcome: Outcome;
  readonly differently?: Readonly<Partial<Record<AttackName, Outcome>>>;
  /** Its processes are those of a machine of its own, and cannot be seen from this one. */
  readonly hasOwnKernel?: boolean;
  /** Memory that the attacker takes, MiB. Default 512. */
  readonly eatMib?: number;
}

const LOOKS = [
  "file",
  "environment",
  "processes",
  "network",
  "abstract",
  "link",
  "proc",
  "write",
  "namespace",
  "shell",
] as const;

export type AttackName = (typeof LOOKS)[number] | "forks" | "disk" | "memory" | "signal" | "linger";

const MARK = `nex-decoy-${process.pid}`;

/** Runs every attack in a sandbox and looks how it went, from inside and from outside. */
export function hostileSuite(
  title: string,
  { makeDriver, skip = false, outcome, differently = {}, hasOwnKernel = false, eatMib = 512 }: HostileSuiteOptions,
): void {
  let attacker: Buffer;
  before(async () => void (attacker = await buildAttacker()));
  const expected = (name: AttackName): Outcome => differently[name] ?? outcome;

  void describe(`A hostile service in ${title}`, { skip }, () => {
    void test("looks for files, processes, networks and ways out", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      // A neighbour takes the first sandbox, so that the one that is warm next is the attacker's.
      await system.whenWarm();
      await system.deploy("export default () => 'a neighbour';");
      await system.whenWarm();
      const [other, mine] = system.watch.seen;
      await using decoy = startDecoy(mine!.uid);
      await using targets = await openTargets();
      const secret = join(system.runtime, "secret.artifact");
      await writeFile(secret, "the machine's own");
      await system.deploy(
        attacker,
        attack("look", secret, decoy.secret, MARK, targets.port, MARK, join(other!.directory, "link", "node.sock")),
      );
      for (const name of LOOKS) assert.equal(await outcomeOf(system, name), expected(name), name);
      assert.equal(targets.connections > 0, outcome === "succeeded");
    });

    void test("signals a process of this machine", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.whenWarm();
      await using decoy = startDecoy(system.watch.seen[0]!.uid);
      await system.deploy(attacker, attack("signal", decoy.pid));
      const held = expected("signal") === "held";
      assert.equal(await outcomeOf(system, "signal"), expected("signal"));
      if (!held) await waitFor(() => !processAlive(decoy.pid), { message: "the end of the decoy" });
      assert.equal(processAlive(decoy.pid), held);
    });

    void test("as a function, signals a process of this machine", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.whenWarm();
      await using decoy = startDecoy(system.watch.seen[0]!.uid);
      await system.deploy(
        `export default (event) => { try { process.kill(Number(event.text()), "SIGTERM"); return "succeeded"; } catch { return "held"; } };`,
      );
      assert.equal((await system.request("fn", String(decoy.pid))).string(), expected("signal"));
      assert.equal(await decoy.survives(), expected("signal") === "held");
    });

    void test("forks two hundred times", async () => {
      await using system = await TestSystem.start({ driver: makeDriver({ limits: { processes: 64 } }) });
      await system.deploy(attacker, attack("bomb", 200));
      assert.equal(await outcomeOf(system, "forks"), expected("forks"));
    });

    for (const place of [".", "/tmp"]) {
      void test(`fills the disk in ${place}`, async () => {
        await using system = await TestSystem.start({ driver: makeDriver({ diskBytes: 16 * MEBIBYTE }) });
        await system.deploy(attacker, attack("fill", 64, place));
        assert.equal(await outcomeOf(system, "disk"), expected("disk"));
      });
    }

    void test("eats memory", async () => {
      const limits = { memoryBytes: 128 * MEBIBYTE };
      await using system = await TestSystem.start({ driver: makeDriver({ limits }) });
      await system.deploy(attacker, attack("eat", eatMib));
      if (expected("memory") === "succeeded") return assert.equal(await outcomeOf(system, "memory"), "succeeded");
      const { data } = await system.told.event("workload_undeployed");
      assert.match(String(data["message"]), /SIGKILL.*memory limit/);
      assert.ok(!system.told.logs.some(({ text }) => text.startsWith("memory ")));
    });

    void test("keeps running after it was stopped", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.deploy(attacker, attack("linger", `${MARK}-linger`));
      await outcomeOf(system, "linger");
      const lingering = processes()
        .filter(({ command }) => command.includes(`${MARK}-linger`))
        .map(({ pid }) => pid);
      if (hasOwnKernel) assert.deepEqual(lingering, []);
      else assert.ok(lingering.length === 2, "the service and what it has left can be seen from outside");
      await system.supervisor.stop("default", "attacker");
      assert.equal(lingering.some(processAlive), expected("linger") === "succeeded");
      const { uid } = system.watch.seen[0]!;
      if (hasOwnKernel && uid !== undefined) assert.ok(!processes().some((process) => process.uid === uid));
      for (const pid of lingering.filter(processAlive)) process.kill(pid, "SIGKILL");
    });
  });
}

interface Decoy extends AsyncDisposable {
  readonly pid: number;
  /** In its environment. */
  readonly secret: string;
  /** Whether it is still there after a signal has had time to arrive. */
  survives(): Promise<boolean>;
}

/** Stands in for the node: a process of the sandbox's own user outside it, so that no difference of users protects it. */
function startDecoy(uid: number | undefined): Decoy {
  const secret = `${MARK}-secret`;
  const child: ChildProcess = spawn("/bin/sleep", ["60"], {
    argv0: MARK,
    env: { DECOY: secret },
    stdio: "ignore",
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ended = once(child, "exit");
  return {
    pid: child.pid!,
    secret,
    survives: async () => await Promise.race([ended.then(() => false), sleep(300, true)]),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** A port on loopback and an abstract Unix socket, as services of the machine have them. */
async function openTargets(): Promise<AsyncDisposable & { readonly port: number; readonly connections: number }> {
  let connections = 0;
  const servers = [0, 1].map(() =>
    createServer((socket) => {
      connections++;
      socket.destroy();
    }),
  );
  servers[0]!.listen(0, "127.0.0.1");
  servers[1]!.listen(`\0${MARK}`);
  await Promise.all(servers.map(async (server) => await once(server, "listening")));
  return {
    port: (servers[0]!.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) server.close();
    },
  };
}
