import assert from "node:assert/strict";
import { readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { processAlive, type StartedProgram, startProgram, temporaryDirectory, waitFor } from "@nex/testing";
import { startEmbeddedNats } from "../src/embedded-nats.ts";
import { StoreLock } from "../src/store-lock.ts";

const fixture = (name: string): string => join(import.meta.dirname, "fixtures", name);

describe("when the node dies by kill -9", () => {
  it("the server ends too, in good order", async () => {
    await using directory = await temporaryDirectory();
    const options = { storeDirectory: join(directory.path, "nats"), contextFile: join(directory.path, "context.json") };
    await using node = await startProgram(fixture("hold-server.ts"), { args: [JSON.stringify(options)] });
    const { pid } = JSON.parse(node.line) as { pid: number };
    assert.ok(processAlive(pid));
    await node.kill("SIGKILL");
    await waitFor(() => !processAlive(pid), { message: "the server to end" });
    // A server that dies of a broken stderr does not get as far as this.
    assert.match(await readFile(join(options.storeDirectory, "nats-server.log"), "utf8"), /Server Exiting/);
  });

  it("what was to end with it is taken away by the next one, but not before its time, and nobody else's", async () => {
    await using directory = await temporaryDirectory();
    const options = { ephemeral: true, contextFile: join(directory.path, "context.json") };
    const env = { TMPDIR: directory.path };
    const stores = async (): Promise<string[]> =>
      (await readdir(directory.path)).filter((name) => name.startsWith("nex-nats-"));
    const start = async (): Promise<StartedProgram> =>
      await startProgram(fixture("hold-server.ts"), { args: [JSON.stringify(options)], env });
    await using living = await start();
    const [kept] = await stores();
    const dead = await start();
    const left = (await stores()).find((name) => name !== kept);
    await dead.kill("SIGKILL");
    const { pid } = JSON.parse(dead.line) as { pid: number };
    await waitFor(() => !processAlive(pid), { message: "the server to end" });
    await using _young = await start();
    assert.equal((await stores()).length, 3);
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of [kept!, left!]) await utimes(join(directory.path, name), longAgo, longAgo);
    await using _next = await start();
    const now = await stores();
    assert.deepEqual([now.length, now.includes(kept!), now.includes(left!)], [3, true, false]);
    assert.ok(processAlive((JSON.parse(living.line) as { pid: number }).pid));
  });

  it("the next start on the same store works at once", async () => {
    await using directory = await temporaryDirectory();
    const options = { storeDirectory: join(directory.path, "nats"), contextFile: join(directory.path, "context.json") };
    await using node = await startProgram(fixture("hold-server.ts"), { args: [JSON.stringify(options)] });
    const { pid } = JSON.parse(node.line) as { pid: number };
    await assert.rejects(startEmbeddedNats(options), new RegExp(`Process ${node.pid} `));
    await node.kill("SIGKILL");
    await using server = await startEmbeddedNats(options);
    assert.equal(processAlive(pid), false);
    assert.ok(processAlive(server.pid));
  });
});

describe("the lock of a store", () => {
  it("goes to exactly one of many that want it at the same time", async () => {
    await using directory = await temporaryDirectory();
    await using stack = new AsyncDisposableStack();
    const programs = await Promise.all(
      Array.from({ length: 6 }, async () => await startProgram(fixture("take-lock.ts"), { args: [directory.path] })),
    );
    for (const program of programs) stack.use(program);
    const words = programs.map(({ line }) => line).sort();
    assert.deepEqual(words, [
      "already_running",
      "already_running",
      "already_running",
      "already_running",
      "already_running",
      "taken",
    ]);
  });

  it("is free after kill -9 of its holder, without anything to clean up", async () => {
    await using directory = await temporaryDirectory();
    await using holder = await startProgram(fixture("take-lock.ts"), { args: [directory.path] });
    assert.equal(holder.line, "taken");
    await assert.rejects(StoreLock.take(directory.path), new RegExp(`Process ${holder.pid} `));
    await holder.kill("SIGKILL");
    const lock = await StoreLock.take(directory.path);
    assert.equal(lock.previous.node?.pid, holder.pid);
    lock[Symbol.dispose]();
  });

  it("can be taken again once it was given back, also within one process", async () => {
    await using directory = await temporaryDirectory();
    const lock = await StoreLock.take(directory.path);
    await assert.rejects(StoreLock.take(directory.path), { code: "already_running" });
    lock[Symbol.dispose]();
    lock[Symbol.dispose]();
    (await StoreLock.take(directory.path))[Symbol.dispose]();
  });

  it("cannot be taken where there is no directory", async () => {
    await using directory = await temporaryDirectory();
    await assert.rejects(StoreLock.take(join(directory.path, "missing")), { code: "nats_server_failed" });
  });
});
