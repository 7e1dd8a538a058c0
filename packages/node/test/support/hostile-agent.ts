import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "@nex/testing";

export interface HostileAgent extends AsyncDisposable {
  readonly path: string;
}

/**
 * An agent that says a proper hello and then does what `attack` says: JavaScript in which `frame`, `dial`,
 * `hello`, `token`, `agent` (its link) and `ready()` are defined, and `onCall(method, id)` may be set.
 */
export async function hostileAgent(attack: string): Promise<HostileAgent> {
  const directory = await temporaryDirectory();
  const path = join(directory.path, "agent.cjs");
  await writeFile(path, `${PRELUDE}\n(async () => {\n${attack}\n})();\n`);
  return { path, [Symbol.asyncDispose]: async () => await directory[Symbol.asyncDispose]() };
}

/** Methods and frame types by their numbers, as they are on the wire. */
const PRELUDE = `
const net = require("node:net");
const { link, token } = JSON.parse(require("node:fs").readFileSync(3, "utf8"));
const TYPE = { call: 1, reply: 2, error: 3, notify: 9, goodbye: 10 };
const METHOD = { hello: 1, runnerToken: 2, logs: 4, event: 5, deploy: 16, abandoned: 33 };
let onCall = () => undefined;

function frame(type, method, id, body = "") {
  const content = Buffer.from(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  const header = Buffer.alloc(12);
  header.writeUInt32LE(content.length, 0);
  header[4] = type;
  header.writeUInt16LE(method, 6);
  header.writeUInt32LE(id, 8);
  return Buffer.concat([header, content]);
}

/** A connection; answers come out of \`next()\`, calls go to \`onCall\`. */
function dial() {
  const socket = net.connect(link.slice("unix:".length));
  const waiting = [];
  let rest = Buffer.alloc(0);
  socket.next = () => new Promise((resolve) => waiting.push(resolve));
  socket.on("error", () => undefined);
  socket.on("close", () => { for (const resolve of waiting.splice(0)) resolve({ type: 0, body: "closed" }); });
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 12 && rest.length >= 12 + rest.readUInt32LE(0)) {
      const length = rest.readUInt32LE(0);
      const [type, method, id] = [rest[4], rest.readUInt16LE(6), rest.readUInt32LE(8)];
      const body = rest.toString("utf8", 12, 12 + length);
      rest = rest.subarray(12 + length);
      if (type === TYPE.call) onCall(method, id);
      else waiting.shift()?.({ type, body });
    }
  });
  return socket;
}

const hello = (token, role) => frame(TYPE.call, METHOD.hello, 1, { token, role, version: "1.0" });
const agent = dial();
const ready = () => agent.write(frame(TYPE.notify, METHOD.event, 0, { type: "runner_ready" }));
async function greet() { agent.write(hello(token, "agent")); return await agent.next(); }
async function askToken() {
  agent.write(frame(TYPE.call, METHOD.runnerToken, 2, "null"));
  return JSON.parse((await agent.next()).body).token;
}
/** Sends \`make()\` again and again, as fast as the node reads. */
function flood(socket, make) {
  const more = () => { while (!socket.destroyed && socket.write(make())); if (!socket.destroyed) socket.once("drain", more); };
  more();
}`;
