import assert from "node:assert/strict";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { connect, type NatsConnection, wsconnect } from "@nats-io/transport-node";
import type { NexError } from "@nex/protocol";
import { childrenOf, startNatsServer, type TestNats, waitFor } from "@nex/testing";
import { NexNode, type NexNodeOptions } from "../src/node.ts";
import { checkSandboxPolicy } from "../src/config/sandbox-policy.ts";
import { createProcessDriver } from "@nex/sandboxes/testing";
import { makeRuntimeDirectory } from "../src/state/runtime-directory.ts";
import { deployFunction } from "./control-api/support/deploys.ts";
import {
  namesIn,
  nodeOptions,
  passableDirectory,
  type Reply,
  RunningNode,
} from "./control-api/support/running-node.ts";

const isRoot = process.getuid?.() === 0;

/** A server whose monitoring tells who is connected to it. */
class WatchedServer implements AsyncDisposable {
  readonly nats: TestNats;
  readonly #monitor: number;

  private constructor(nats: TestNats, monitor: number) {
    this.nats = nats;
    this.#monitor = monitor;
  }

  static async start(jetstream = true): Promise<WatchedServer> {
    const monitor = await freePort();
    return new WatchedServer(await startNatsServer({ jetstream, config: `http: "127.0.0.1:${monitor}"` }), monitor);
  }

  async connections(): Promise<string[]> {
    const reply = await fetch(`http://127.0.0.1:${this.#monitor}/connz`);
    const { connections } = (await reply.json()) as { readonly connections: readonly { readonly name?: string }[] };
    return connections.map(({ name = "" }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nats.stop();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starting fails with this code, and leaves neither connection nor directory nor process. */
async function failsToStart(
  code: string,
  text: RegExp,
  given: { readonly jetstream?: boolean; readonly options?: (given: NexNodeOptions) => NexNodeOptions },
): Promise<void> {
  await using server = await WatchedServer.start(given.jetstream);
  await using directory = await passableDirectory();
  const before = childrenOf(process.pid);
  const options = nodeOptions(server.nats.url, directory.path);
  await assert.rejects(NexNode.start(given.options?.(options) ?? options), (error: NexError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  });
  await waitFor(async () => (await server.connections()).length === 0, { message: "no connections" });
  assert.deepEqual(await namesIn(join(directory.path, "run")), []);
  assert.deepEqual(childrenOf(process.pid), before);
}

describe("a node", () => {
  it("closed leaves no process, connection or directory", async () => {
    await using server = await WatchedServer.start();
    const before = childrenOf(process.pid);
    await using running = await RunningNode.start({ nats: server.nats });
    await deployFunction(running, { name: "one", request: { replicas: 2 } });
    assert.equal((await namesIn(join(running.directory, "run"))).length, 1);
    assert.ok((await server.connections()).includes("nex-node"));
    assert.ok((await server.connections()).includes("nex-default"));
    await running.node.close();
    assert.deepEqual(childrenOf(process.pid), before);
    await waitFor(async () => (await server.connections()).every((name) => !name.startsWith("nex")));
    assert.deepEqual(await namesIn(join(running.directory, "run")), []);
    assert.equal((await running.told.event("node_stopped")).data["graceful"], true);
    await assert.rejects(running.client.request("$NEX.PING", "", { timeout: 1000 }), /no responders/i);
  });

  it("closed during a deploy that never ends answers it and closes", async () => {
    await using running = await RunningNode.start();
    const source = "await new Promise(() => {}); export default () => 1;";
    const deploy = deployFunction(running, { source });
    // Admitted as soon as its claims are used.
    await waitFor(async () => (await running.ask("$NEX.PING")).data !== "" && childrenOf(process.pid).length > 2);
    await running.node.close();
    assert.equal(typeof (await deploy).code, "string");
  });

  it("closed twice is closed", async () => {
    await using running = await RunningNode.start();
    await Promise.all([running.node.close(), running.node.close()]);
  });

  it("and another on one server both answer, and stay apart", async () => {
    await using one = await RunningNode.start();
    await using two = await RunningNode.start({ nats: one.nats });
    await deployFunction(one, { name: "here" });
    await deployFunction(two, { name: "there" });
    const found: string[] = [];
    for await (const reply of await one.client.requestMany("$NEX.PING", "", { strategy: "count", maxMessages: 2 })) {
      const { node_id, running_machines } = reply.json<Reply>().data;
      assert.equal(running_machines, 1);
      found.push(node_id);
    }
    assert.deepEqual(found.sort(), [one.node.id, two.node.id].sort());
    await two.node.close();
    assert.equal((await one.client.request("here", "still")).string(), "still");
    await assert.rejects(one.client.request("there", "", { timeout: 1000 }), /no responders/i);
  });
});

describe("a node that cannot start leaves nothing", () => {
  it("without JetStream, and says how to get it", async () =>
    await failsToStart("jetstream_unavailable", /-js/, { jetstream: false }));

  it("without the nexus's key file", async () =>
    await failsToStart("file_not_found", /nowhere/, {
      options: (given) => ({ ...given, config: { ...given.config, nexus_key_file: "/nowhere/key" } }),
    }));

  it("with a sandbox this release lacks", async () =>
    await failsToStart("sandbox_failed", /firecracker/, {
      options: (given) => ({ ...given, config: { ...given.config, sandbox: "firecracker" } }),
    }));

  it("with a wrong config", async () =>
    await failsToStart("invalid_request", /colour/, {
      options: (given) => ({ ...given, config: { ...given.config, colour: "red" } as object }),
    }));

  it("without a server, and says where it looked", async () => {
    await using directory = await passableDirectory();
    const port = await freePort();
    await assert.rejects(NexNode.start(nodeOptions(`nats://127.0.0.1:${port}`, directory.path)), (error: NexError) => {
      assert.equal(error.code, "connection_failed");
      return error.message.includes(String(port));
    });
  });
});

describe("the runtime directory", () => {
  it("is refused where other users cannot pass, and leaves nothing there", { skip: !isRoot }, async () => {
    await using directory = await passableDirectory();
    const parent = join(directory.path, "closed");
    await mkdir(parent, { mode: 0o700 });
    await assert.rejects(makeRuntimeDirectory(parent), { code: "sandbox_refused" });
    assert.deepEqual(await namesIn(parent), []);
  });

  it("is refused below a directory of another user's", { skip: !isRoot }, async () => {
    await using directory = await passableDirectory();
    const parent = join(directory.path, "theirs");
    await mkdir(parent, { mode: 0o755 });
    await chown(parent, 65_534, 65_534);
    await assert.rejects(makeRuntimeDirectory(parent), { code: "sandbox_refused" });
  });

  it("takes away what nodes that have died left, nothing else, and itself at the end", async () => {
    await using directory = await passableDirectory();
    const [dead, others] = ["nex-node-dead", "others"].map((name) => join(directory.path, name));
    for (const path of [dead!, others!]) {
      await mkdir(path);
      await writeFile(join(path, "node.json"), JSON.stringify({ pid: process.pid, started: "long ago" }));
    }
    const own = await makeRuntimeDirectory(directory.path);
    await using second = await makeRuntimeDirectory(directory.path);
    assert.deepEqual(
      (await namesIn(directory.path)).sort(),
      [basename(own.path), basename(second.path), "others"].sort(),
    );
    await own[Symbol.asyncDispose]();
    assert.ok(!(await namesIn(directory.path)).includes(basename(own.path)));
  });

  it("is refused below a directory everybody may write to", async () => {
    await using directory = await passableDirectory();
    const parent = join(directory.path, "open");
    await mkdir(parent);
    await chmod(parent, 0o777);
    await assert.rejects(makeRuntimeDirectory(parent), { code: "sandbox_refused" });
    await chmod(parent, 0o1777);
    await using made = await makeRuntimeDirectory(parent);
    assert.ok(made.path.startsWith(parent));
  });
});

describe("the process sandbox", () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;

  /** A connection to a server through an address that is not the loopback's. */
  async function fromOutside(act: (connection: NatsConnection) => void): Promise<void> {
    const port = await freePort();
    await using _nats = await startNatsServer({ config: `websocket { listen: "${outside}:${port}", no_tls: true }` });
    await using connection = await wsconnect({ servers: `ws://${outside}:${port}` });
    act(connection);
  }

  const policy = (connection: NatsConnection, issuers: ReadonlyMap<string, readonly string[]> = new Map()): string[] =>
    checkSandboxPolicy({ driver: createProcessDriver(), connection, isEmbedded: false, issuers });

  it(
    "is refused to root on a server others reach, unless issuers are listed",
    { skip: !isRoot || outside === undefined },
    async () => {
      await fromOutside((connection) => {
        assert.throws(() => policy(connection), { code: "sandbox_refused" });
        assert.equal(policy(connection, new Map([["A", ["*"]]])).length, 1, "only that it is no boundary");
      });
    },
  );

  it("is no boundary on loopback either, and says so", async () => {
    await using nats = await startNatsServer();
    await using connection = await connect({ servers: nats.url });
    const [first, second] = policy(connection);
    assert.match(first ?? "", /NOT a security boundary/);
    assert.match(second ?? "", /no issuers are listed/);
  });

  it("says so when a node starts with it", async () => {
    await using running = await RunningNode.start();
    assert.match(running.warnings[0] ?? "", /NOT a security boundary/);
  });
});
