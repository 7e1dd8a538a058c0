import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { childrenOf, temporaryDirectory } from "@nex/testing";
import { NodeDouble } from "../support/node-double.ts";

/** What a function may not do. Each resolves with "done" where nothing forbids it. */
const SOURCE = `
import fs from "node:fs";
import net from "node:net";
import dgram from "node:dgram";
import { execFileSync, spawn } from "node:child_process";
import { Worker } from "node:worker_threads";
import inspector from "node:inspector";
const acts = {
  readFile: () => fs.readFileSync("/etc/passwd"),
  readDirectory: () => fs.readdirSync("/"),
  readOwnEnvironment: () => fs.readFileSync("/proc/self/environ"),
  readLater: () => fs.promises.readFile("/etc/passwd"),
  writeFile: ({ directory }) => fs.writeFileSync(directory + "/written", "x"),
  makeDirectory: ({ directory }) => fs.mkdirSync(directory + "/made"),
  symlink: ({ directory }) => fs.symlinkSync("/etc/passwd", directory + "/link"),
  connect: ({ port }) => new Promise((resolve, reject) => net.connect(port, "127.0.0.1").on("connect", function () { this.destroy(); resolve(); }).on("error", reject)),
  fetch: async ({ port }) => { try { await fetch("http://127.0.0.1:" + port); } catch (error) { if (["ERR_ACCESS_DENIED", "unknown_method"].includes(error.cause?.code ?? error.code)) throw error.cause ?? error; } },
  listen: () => new Promise((resolve, reject) => { const server = net.createServer().on("error", reject).listen(0, () => { server.close(); resolve(); }); }),
  datagram: () => new Promise((resolve, reject) => { const socket = dgram.createSocket("udp4"); socket.on("error", reject); socket.bind({ port: 0, address: "127.0.0.1" }, () => { socket.close(); resolve(); }); }),
  execute: () => execFileSync("/bin/true"),
  spawn: () => new Promise((resolve, reject) => spawn("/bin/true").on("error", reject).on("exit", resolve)),
  worker: () => new Promise((resolve, reject) => new Worker("0", { eval: true }).on("error", reject).on("exit", resolve)),
  addon: ({ directory }) => { try { process.dlopen({ exports: {} }, directory + "/none.node"); } catch (error) { if (error.code === "ERR_DLOPEN_DISABLED" || error.code === "ERR_ACCESS_DENIED") throw error; } },
  inspector: () => { inspector.open(0, "127.0.0.1", false); inspector.close(); },
};
const run = async (name, given) => { try { await acts[name](given); return "done"; } catch (error) { return error.code ?? String(error); } };
export default (event) => event.text() === "names" ? Object.keys(acts) : run(event.subject.split(".")[1], event.json());
`;

/** The same code in a plain Node of the same version, told to print what each act came to. */
const CONTROL = `
const [{ default: handler }, given] = [await import(process.argv[2]), process.argv[3]];
const outcomes = {};
for (const name of handler({ text: () => "names" })) outcomes[name] = await handler({ text: () => "", subject: "test." + name, json: () => JSON.parse(given) });
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
`;

const server = createServer((socket) => {
  socket.on("error", () => undefined).end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
});
let given = "";
let node: NodeDouble;
const resources = new AsyncDisposableStack();

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  resources.defer(async () => void server.close());
  const directory = resources.use(await temporaryDirectory("nex-permissions-"));
  given = JSON.stringify({ directory: directory.path, port: (server.address() as { port: number }).port });
  node = resources.use(await NodeDouble.run(SOURCE));
});
after(async () => await resources.disposeAsync());

describe("Without the runner's permission flags the same code can", () => {
  it("do all of it, so that a refusal below is the flags' doing", async () => {
    await using directory = await temporaryDirectory("nex-permissions-");
    const paths = { source: join(directory.path, "source.mjs"), control: join(directory.path, "control.mjs") };
    await Promise.all([writeFile(paths.source, SOURCE), writeFile(paths.control, CONTROL)]);
    const child = spawn(process.execPath, [paths.control, paths.source, given], {
      stdio: ["ignore", "pipe", "ignore"],
      env: {},
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await once(child, "close");
    const outcomes = JSON.parse(output) as Record<string, string>;
    assert.deepEqual(new Set(Object.values(outcomes)), new Set(["done"]), output);
  });
});

describe("A function cannot", () => {
  for (const act of [
    "readFile",
    "readDirectory",
    "readOwnEnvironment",
    "readLater",
    "writeFile",
    "makeDirectory",
    "symlink",
    "connect",
    "listen",
    "datagram",
    "execute",
    "spawn",
    "worker",
    "addon",
    "inspector",
  ]) {
    it(act, async () => {
      const { text } = await node.trigger(given, { subject: `test.${act}` });
      assert.match(text, /^ERR_(ACCESS_DENIED|DLOPEN_DISABLED)$/);
    });
  }

  it("fetch by itself: the node is asked, and this one has no host services", async () => {
    const { text } = await node.trigger(given, { subject: "test.fetch" });
    assert.equal(text, "unknown_method");
  });

  it("have children: none is there while it tries", async () => {
    assert.equal(node.runnerPids.length, 1);
    await node.trigger(given, { subject: "test.spawn" });
    assert.deepEqual(childrenOf(node.runnerPids[0]!), []);
  });
});
