import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { buildC, waitFor } from "@nex/testing";
import type { Sandbox, SandboxDriver, SandboxOrder } from "@nex/sandboxes";
import {
  buildProbe,
  MACHINE_WAIT_MS,
  makeQemuDriver,
  noQemu,
  probing,
  qemuOf,
  residentMib,
} from "../../support/qemu.ts";
import { TestSystem } from "../../support/system.ts";

const BOOTS = { qemu: { saved_state: false } };

interface Heard {
  readonly driver: SandboxDriver;
  readonly lines: string[];
  /** Given to agents, in the order of their asking; `undefined` once none may come in any more. */
  readonly tokens: (string | undefined)[];
  /** Connections out of machines. */
  readonly sockets: Socket[];
}

/** A driver with a record of what passes between its machines and their node. */
function listening(driver: SandboxDriver): Heard {
  const lines: string[] = [];
  const tokens: (string | undefined)[] = [];
  const sockets: Socket[] = [];
  const listen = (order: SandboxOrder): SandboxOrder => ({
    ...order,
    onOutput: (line, kind) => {
      lines.push(line);
      order.onOutput(line, kind);
    },
    issueToken: () => {
      const token = order.issueToken();
      tokens.push(token);
      return token;
    },
    onConnection: (socket) => {
      sockets.push(socket);
      order.onConnection(socket);
    },
  });
  return { driver: { ...driver, start: async (order) => await driver.start(listen(order)) }, lines, tokens, sockets };
}

void describe("A QEMU machine that boots", { skip: noQemu }, () => {
  void test("comes up under OpenRC, runs all three kinds, and is gone after its workload", async () => {
    const heard = listening(makeQemuDriver(BOOTS));
    await using system = await TestSystem.start({ driver: heard.driver, poolSize: 0 });
    await system.deploy(
      `export default async (event, ctx) => {
         console.log("called in " + process.env.PLACE);
         await ctx.kv.put("key", event.text());
         return (await ctx.kv.get("key")).text() + " " + process.getuid();
       };`,
      { env: { PLACE: "a machine" } },
    );
    assert.ok(
      heard.lines.some((line) => /OpenRC [\d.]+ is starting up/.test(line)),
      heard.lines.join("\n"),
    );
    assert.ok(heard.lines.some((line) => line.includes("Starting agent")));
    // As the user nex of the image.
    assert.equal((await system.request("fn", "hello")).string(), "hello 1000");
    await system.told.log("called in a machine");
    // What a boot says is no news to the owner of the workload.
    assert.ok(!system.told.logs.some(({ text }) => text.includes("OpenRC")));

    const [seen] = system.watch.seen;
    const qemu = qemuOf(seen!.directory)!;
    assert.ok(residentMib(qemu) < 600, `${residentMib(qemu)} MiB`);
    await system.supervisor.stop("default", "fn");
    assert.equal(qemuOf(seen!.directory), undefined);
    assert.equal(existsSync(seen!.directory), false);
  });

  void test("boots as a plain PC where there is no microvm", async () => {
    const driver = makeQemuDriver(BOOTS, { accelerators: ["tcg"], machines: ["pc"] });
    await using system = await TestSystem.start({ driver, poolSize: 0 });
    const echo = await buildC(`#include <stdio.h>\nint main(void) { printf("wasm"); return 0; }`);
    await system.deploy(echo, { kind: "wasm" });
    assert.equal((await system.request("fn")).string(), "wasm");
  });

  void test("whose kernel panics is replaced, and the panic is told", async () => {
    const tuning = {
      // What an interrupt of that kind says about its cause differs between machines.
      bootArguments: [
        "unknown_nmi_panic",
        "sysctl.kernel.panic_on_unrecovered_nmi=1",
        "sysctl.kernel.panic_on_io_nmi=1",
      ],
      extra: ["-qmp", "unix:test.sock,server=on,wait=off"],
    };
    await using system = await TestSystem.start({ driver: makeQemuDriver(BOOTS, tuning), poolSize: 0 });
    await system.deploy("export default () => 'here';");
    const [seen] = system.watch.seen;
    const monitor = connect(join(seen!.directory, "test.sock"));
    monitor.on("error", () => undefined);
    monitor.write(`{"execute":"qmp_capabilities"}\n{"execute":"inject-nmi"}\n`);
    const { data } = await system.told.event("workload_crashed");
    monitor.destroy();
    assert.match(JSON.stringify(data), /the kernel in the machine panicked: .*NMI/);
    await waitFor(async () => (await system.request("fn")).string() === "here", { timeoutMs: MACHINE_WAIT_MS });
    assert.equal(system.watch.seen.length, 2);
  });

  void test("that cannot boot says why, and leaves nothing", async () => {
    const driver = makeQemuDriver(BOOTS, { bootArguments: ["rdinit=/bin/busybox"] });
    await using system = await TestSystem.start({ driver, poolSize: 1 });
    const failure = await waitFor(() => system.startFailures[0], { timeoutMs: MACHINE_WAIT_MS });
    assert.equal(failure.code, "sandbox_failed");
    assert.match(failure.message, /the kernel in the machine panicked: Attempted to kill init/);
    await system.pool.close();
    assert.deepEqual(await readdir(system.runtime), []);
  });
});

void describe("OpenRC in a QEMU machine", { skip: noQemu }, () => {
  void test("brings an agent back that ended while it waited, and the node lets it in with a new token", async () => {
    const heard = listening(makeQemuDriver());
    await using system = await TestSystem.start({ driver: heard.driver });
    await system.whenWarm();
    const before = heard.tokens.length;
    // Without its link an agent ends.
    for (const socket of heard.sockets) socket.destroy();
    await waitFor(() => heard.tokens.length > before, { message: "the next agent", timeoutMs: MACHINE_WAIT_MS });
    const detail = await system.deploy("export default () => 'here';");
    assert.equal(detail.instances[0]!.id, system.watch.seen[0]!.id);
    assert.equal((await system.request("fn")).string(), "here");
    assert.ok(!heard.tokens.slice(0, before + 1).includes(undefined));
    assert.equal(new Set(heard.tokens).size, heard.tokens.length);
  });

  void test("brings an agent back that a workload has killed, and the node does not let it in", async () => {
    const heard = listening(makeQemuDriver());
    // The node destroys such a sandbox at once; here only after the next agent has come.
    const start = async (order: SandboxOrder): Promise<Sandbox> => {
      const sandbox = await heard.driver.start(order);
      const destroy = sandbox.destroy.bind(sandbox);
      sandbox.destroy = async (graceMs) => {
        await waitFor(() => heard.tokens.includes(undefined), { message: "another agent", timeoutMs: MACHINE_WAIT_MS });
        await destroy(graceMs);
      };
      return sandbox;
    };
    await using system = await TestSystem.start({ driver: { ...heard.driver, start }, poolSize: 0 });
    await system.deploy(await buildProbe(), probing("killer", "kill"));
    await system.told.event("workload_crashed");
    await waitFor(() => heard.tokens.includes(undefined), { message: "another agent", timeoutMs: MACHINE_WAIT_MS });
    const [seen] = system.watch.seen;
    await waitFor(() => !existsSync(seen!.directory), {
      message: "the end of the machine",
      timeoutMs: MACHINE_WAIT_MS,
    });
  });
});
