import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { connect, type NodeConnectionOptions } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { isNexError, type NexError } from "@nex/protocol";
import { processAlive, temporaryDirectory, waitFor } from "@nex/testing";
import { type EmbeddedNats, startEmbeddedNats } from "../src/embedded-nats.ts";
import { natsServerProgram } from "../src/server-program.ts";

/** Comes back like a node's connection. */
const PATIENT: NodeConnectionOptions = { maxReconnectAttempts: -1, reconnectTimeWait: 50, ignoreAuthErrorAbort: true };

/** A store and a context file of the test's own. */
function within(directory: string): { storeDirectory: string; contextFile: string } {
  return {
    storeDirectory: join(directory, "state", "nats"),
    contextFile: join(directory, "config", "nats", "context", "nex-embedded.json"),
  };
}

function asNode({ url, node }: EmbeddedNats): NodeConnectionOptions {
  return { servers: url, user: node.user, pass: node.password };
}

async function mode(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

const hasCode = (code: string) => (error: unknown) => isNexError(error) && error.code === code;

describe("an embedded NATS server", () => {
  it("has JetStream, and keeps streams and passwords from one start to the next", async () => {
    await using directory = await temporaryDirectory();
    let before: EmbeddedNats["node"];
    {
      await using server = await startEmbeddedNats(within(directory.path));
      before = server.node;
      await using connection = await connect(asNode(server));
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: "kept", subjects: ["kept"] });
      await server.ensureNamespace("orders");
    }
    await using server = await startEmbeddedNats(within(directory.path));
    assert.deepEqual(server.node, before);
    await using connection = await connect(asNode(server));
    const manager = await jetstreamManager(connection);
    assert.equal((await manager.streams.info("kept")).config.name, "kept");
    const { user, password } = await server.ensureNamespace("orders");
    await (await connect({ servers: server.url, user, pass: password })).close();
  });

  it("writes credentials where only their user can read them", async () => {
    await using directory = await temporaryDirectory();
    const options = within(directory.path);
    await using server = await startEmbeddedNats(options);
    assert.equal(await mode(options.storeDirectory), "700");
    for (const file of ["nats-server.conf", "nats-server.log", "owner.json"]) {
      assert.equal(await mode(join(options.storeDirectory, file)), "600", file);
    }
    assert.equal(await mode(options.contextFile), "600");
    assert.equal(await mode(join(options.contextFile, "..")), "700");

    const context = JSON.parse(await readFile(options.contextFile, "utf8")) as {
      url: string;
      user: string;
      password: string;
    };
    assert.equal(context.url, server.url);
    assert.ok(Buffer.from(context.password, "base64url").length >= 32);
    await using operator = await connect({ servers: context.url, user: context.user, pass: context.password });
    assert.ok((await operator.request("$JS.API.INFO")).json());
  });

  it("leaves the contexts a person already has as they are, and closes a context file that was open to others", async () => {
    await using directory = await temporaryDirectory();
    const options = within(directory.path);
    const contexts = join(options.contextFile, "..");
    await mkdir(contexts, { recursive: true });
    await writeFile(join(contexts, "nex.json"), "mine");
    await writeFile(options.contextFile, "old");
    await chmod(options.contextFile, 0o644);
    await using _server = await startEmbeddedNats(options);
    assert.equal(await readFile(join(contexts, "nex.json"), "utf8"), "mine");
    assert.equal(await mode(options.contextFile), "600");
    assert.deepEqual(readdirSync(contexts).sort(), ["nex-embedded.json", "nex.json"]);
  });

  it("gives the context file back to the server that had it, if that still runs", async () => {
    await using directory = await temporaryDirectory();
    const options = within(directory.path);
    const first = await startEmbeddedNats(options);
    const { contextFile } = options;
    const before = await readFile(contextFile, "utf8");
    const second = await startEmbeddedNats({ contextFile, ephemeral: true });
    assert.notEqual(await readFile(contextFile, "utf8"), before);
    await second[Symbol.asyncDispose]();
    assert.equal(await readFile(contextFile, "utf8"), before);
    await first[Symbol.asyncDispose]();
    const third = await startEmbeddedNats({ contextFile, ephemeral: true });
    await third[Symbol.asyncDispose]();
    assert.deepEqual(readdirSync(join(contextFile, "..")), []);
  });

  it("lets nobody in without credentials", async () => {
    await using directory = await temporaryDirectory();
    await using server = await startEmbeddedNats(within(directory.path));
    await assert.rejects(connect({ servers: server.url }), /Authorization Violation/);
  });

  it("refuses a second start on the same store, and names who has it", async () => {
    await using directory = await temporaryDirectory();
    const options = within(directory.path);
    await using first = await startEmbeddedNats(options);
    await assert.rejects(startEmbeddedNats(options), (error: NexError) => {
      assert.equal(error.code, "already_running");
      assert.match(error.message, new RegExp(`Process ${process.pid} .*${options.storeDirectory}.*--ephemeral`));
      return true;
    });
    assert.ok(processAlive(first.pid));
    await (await connect(asNode(first))).close();
  });

  it("uses the port it was told, and refuses when that is taken", async () => {
    await using directory = await temporaryDirectory();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    await assert.rejects(startEmbeddedNats({ ...within(directory.path), port }), (error: NexError) => {
      assert.equal(error.code, "already_running");
      assert.match(error.message, new RegExp(`\\b${port}\\b`));
      return true;
    });
    taken.close();
    await once(taken, "close");
    await using server = await startEmbeddedNats({ ...within(directory.path), port });
    assert.equal(server.url, `nats://127.0.0.1:${port}`);
  });

  it("takes another port when none was named and the usual one is taken", async () => {
    await using directory = await temporaryDirectory();
    await using first = await startEmbeddedNats(within(join(directory.path, "a")));
    await using second = await startEmbeddedNats(within(join(directory.path, "b")));
    assert.notEqual(first.port, second.port);
  });

  it("leaves nothing behind when it is ephemeral", async () => {
    await using directory = await temporaryDirectory();
    const { contextFile } = within(directory.path);
    const server = await startEmbeddedNats({ ephemeral: true, contextFile });
    assert.ok(existsSync(server.storeDirectory));
    assert.ok(existsSync(contextFile));
    await Promise.all([server.stop(), server.stop()]);
    assert.equal(existsSync(server.storeDirectory), false);
    assert.equal(existsSync(contextFile), false);
    assert.equal(processAlive(server.pid), false);
  });

  it("removes no context that another server has written since", async () => {
    await using directory = await temporaryDirectory();
    const { contextFile } = within(directory.path);
    const first = await startEmbeddedNats({ ephemeral: true, contextFile });
    await using second = await startEmbeddedNats({ ephemeral: true, contextFile });
    await first.stop();
    assert.match(await readFile(contextFile, "utf8"), new RegExp(second.url));
  });

  it("tells the server's own error when that does not start, and leaves the store free", async () => {
    await using directory = await temporaryDirectory();
    const options = within(directory.path);
    await mkdir(options.storeDirectory, { recursive: true });
    // JetStream keeps its streams in this place, as a directory.
    await writeFile(join(options.storeDirectory, "jetstream"), "in the way");
    const before = { ...options, port: 14_222 };
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(startEmbeddedNats(before), (error: NexError) => {
        assert.equal(error.code, "nats_server_failed");
        assert.match(error.message, /storage directory|not a directory/i);
        return true;
      });
    }
    assert.equal(existsSync(options.contextFile), false);
  });

  it("says how to install nats-server where there is none", async () => {
    await using directory = await temporaryDirectory();
    const serverProgram = join(directory.path, "nats-server");
    await assert.rejects(startEmbeddedNats({ ...within(directory.path), serverProgram }), (error: NexError) => {
      assert.equal(error.code, "missing_tool");
      assert.match(error.message, /apt-get install .*nats-server/);
      return true;
    });
  });

  it("refuses options that are wrong or contradict each other", async () => {
    await assert.rejects(startEmbeddedNats({ port: 70_000 }), hasCode("invalid_request"));
    await assert.rejects(
      startEmbeddedNats({ ephemeral: true, storeDirectory: "somewhere" }),
      hasCode("invalid_request"),
    );
  });

  it("is started again when it ends by itself, with its data, its users and its address", async () => {
    await using directory = await temporaryDirectory();
    const ends: NexError[] = [];
    await using server = await startEmbeddedNats({
      ...within(directory.path),
      onRestart: (error) => ends.push(error),
      onUnexpectedExit: (error) => assert.fail(error),
    });
    const { user, password } = await server.ensureNamespace("orders");
    const node = await connect({ servers: server.url, user: server.node.user, pass: server.node.password, ...PATIENT });
    const orders = await connect({ servers: server.url, user, pass: password, ...PATIENT });
    orders.subscribe("orders.ask", { callback: (_, message) => void message.respond("still here") });
    const manager = await jetstreamManager(node);
    await manager.streams.add({ name: "kept", subjects: ["kept"] });
    await node.request("kept", "x");
    for (const [index, signal] of (["SIGKILL", "SIGTERM"] as const).entries()) {
      const { pid } = server;
      process.kill(pid, signal);
      await waitFor(() => server.pid !== pid, { message: "another server" });
      // Asked for while it may not yet be up.
      await server.ensureNamespace(`later${index}`);
      await waitFor(async () => {
        const answer = await node.request("orders.ask", "", { timeout: 500 }).catch(() => undefined);
        return answer?.string() === "still here";
      });
      assert.equal((await manager.streams.info("kept")).state.messages, 1);
    }
    assert.deepEqual(
      ends.map(({ code }) => code),
      ["nats_server_failed", "nats_server_failed"],
    );
    assert.match(ends[0]?.message ?? "", /ended by itself with signal SIGKILL, and is started again/);
    assert.ok(Array.isArray(ends[0]?.data["log"]) && ends[0].data["log"].length > 0);
    await Promise.all([node.close(), orders.close()]);
  });

  it("is given up on, and can still be stopped, when it does not come up again", async () => {
    await using directory = await temporaryDirectory();
    const given: NexError[] = [];
    const serverProgram = join(directory.path, "nats-server");
    await symlink(natsServerProgram(undefined), serverProgram);
    await using server = await startEmbeddedNats({
      ...within(directory.path),
      serverProgram,
      onUnexpectedExit: (error) => given.push(error),
    });
    await unlink(serverProgram);
    process.kill(server.pid, "SIGKILL");
    await waitFor(() => given.length > 0, { timeoutMs: 60_000, message: "the report" });
    assert.equal(given[0]?.code, "nats_server_failed");
    await assert.rejects(server.ensureNamespace("orders"), hasCode("nats_server_failed"));
    await server.stop();
    assert.equal(given.length, 1);
  });

  it("is not started again once it was asked to stop, also just after it had ended", async () => {
    await using directory = await temporaryDirectory();
    const server = await startEmbeddedNats(within(directory.path));
    const { pid } = server;
    process.kill(pid, "SIGKILL");
    await server.stop();
    assert.equal(processAlive(server.pid), false);
    // The store is free again.
    await (await startEmbeddedNats(within(directory.path))).stop();
  });

  it("reports nothing when it is asked to stop, and hands on what the server logs", async () => {
    await using directory = await temporaryDirectory();
    const reports: NexError[] = [];
    const lines: string[] = [];
    const server = await startEmbeddedNats({
      ...within(directory.path),
      onUnexpectedExit: (error) => reports.push(error),
      log: ({ level, text }) => lines.push(`${level} ${text}`),
    });
    await server.stop();
    assert.deepEqual(reports, []);
    assert.ok(lines.includes("info Server is ready"));
    assert.ok(lines.includes("info Server Exiting.."));
    assert.equal(
      lines.some((line) => line.startsWith("warn")),
      false,
    );
  });
});
