import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Link, hello, LINK_VERSION, runnerToken, serveMethod, servicesToken } from "@nex/link";
import { agentPrograms, temporaryDirectory, waitFor } from "@nex/testing";
import { MetadataServer } from "../../src/metadata/metadata-server.ts";

const DOCUMENT = { agent_id: "a1", link: "tcp:169.254.0.22:9222", token: "secret", resume: { unix_ms: 5 } };
const TTL = "X-metadata-token-ttl-seconds";

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

async function ask(server: MetadataServer, options: RequestOptions): Promise<Answer> {
  const outgoing = httpRequest({ host: "127.0.0.1", port: server.port, agent: false, ...options }).end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of incoming) body += String(chunk);
  return { status: incoming.statusCode!, type: incoming.headers["content-type"], body };
}

const putToken = async (server: MetadataServer, headers: Record<string, string> = { [TTL]: "60" }): Promise<Answer> =>
  await ask(server, { method: "PUT", path: "/latest/api/token", headers });

async function get(server: MetadataServer, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { body } = await putToken(server);
  return await ask(server, { path, headers: { "X-metadata-token": body, ...headers } });
}

describe("the metadata server", () => {
  it("tells nothing without a token", async () => {
    await using server = await MetadataServer.listen({ document: () => assert.fail("nobody may look") });
    assert.equal((await ask(server, { path: "/nex" })).status, 401);
    assert.equal((await ask(server, { path: "/nex", headers: { "X-metadata-token": "guessed" } })).status, 401);
  });

  it("gives out tokens as text, for a time within bounds", async () => {
    await using server = await MetadataServer.listen({ document: () => DOCUMENT });
    const { status, type, body } = await putToken(server);
    assert.deepEqual([status, type], [200, "text/plain"]);
    assert.match(body, /^\S{32,}$/);
    assert.equal((await putToken(server, { "X-aws-ec2-metadata-token-ttl-seconds": "21600" })).status, 200);
    for (const ttl of ["0", "21601", "-1", "1.5", "many"])
      assert.equal((await putToken(server, { [TTL]: ttl })).status, 400, ttl);
    assert.equal((await putToken(server, {})).status, 400);
  });

  it("ends a token's life when its time is over", async () => {
    await using server = await MetadataServer.listen({ document: () => DOCUMENT });
    const { body } = await putToken(server, { [TTL]: "1" });
    const look = async (): Promise<number> =>
      (await ask(server, { path: "/nex", headers: { "X-metadata-token": body } })).status;
    await waitFor(async () => (await look()) === 401, { message: "the token to end" });
  });

  it("gives none to a program that forwards for others", async () => {
    await using server = await MetadataServer.listen({ document: () => DOCUMENT });
    assert.equal((await putToken(server, { [TTL]: "60", "X-Forwarded-For": "10.0.0.1" })).status, 400);
  });

  it("has JSON for those who accept it, text for the others, by path", async () => {
    await using server = await MetadataServer.listen({ document: () => DOCUMENT });
    const json = { Accept: "application/json" };
    const whole = await get(server, "/nex", json);
    assert.deepEqual([whole.status, whole.type], [200, "application/json"]);
    assert.deepEqual(JSON.parse(whole.body), DOCUMENT);
    assert.equal((await get(server, "/nex/token", json)).body, '"secret"');
    assert.equal((await get(server, "/nex/token")).body, "secret");
    assert.equal((await get(server, "/nex")).body, "agent_id\nlink\ntoken\nresume/");
    assert.equal((await get(server, "/")).body, "nex/");
    assert.equal((await get(server, "/nex/resume/unix_ms")).status, 501);
  });

  it("says what is not there, also while the document is not there yet", async () => {
    let document: object | undefined = undefined;
    await using server = await MetadataServer.listen({ document: () => document });
    const missing = await get(server, "/nex");
    assert.deepEqual([missing.status, missing.body], [404, "Resource not found: /nex."]);
    document = DOCUMENT;
    assert.equal((await get(server, "/nex")).status, 200);
    assert.equal((await get(server, "/nex/__proto__/x")).status, 404);
    assert.equal((await get(server, "/latest/api/token")).status, 404);
    assert.equal((await ask(server, { method: "PUT", path: "/nex" })).status, 404);
    assert.equal((await ask(server, { method: "POST", path: "/nex" })).status, 405);
  });

  it("asks for the document each time, so that nobody gets an old one", async () => {
    let count = 0;
    await using server = await MetadataServer.listen({ document: () => ({ token: `t${++count}` }) });
    assert.equal((await get(server, "/nex/token")).body, "t1");
    assert.equal((await get(server, "/nex/token")).body, "t2");
  });

  it("lives on when a guest sends too much, nothing, or nonsense", async () => {
    await using server = await MetadataServer.listen({ document: () => DOCUMENT });
    for (const junk of [`GET / HTTP/1.1\r\nX: ${"a".repeat(10_000)}\r\n\r\n`, "\0\0\0\r\n\r\n", "GET"]) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.end(junk);
      socket.resume();
      await once(socket, "close");
    }
    const silent = Array.from({ length: 40 }, () => connect(server.port, "127.0.0.1").on("error", () => undefined));
    await Promise.all(silent.map(async (socket) => await once(socket, "connect")));
    for (const socket of silent) socket.destroy();
    await waitFor(async () => (await get(server, "/nex")).status === 200, { message: "an answer" });
  });

  it("listens on a unix socket as well", async () => {
    await using directory = await temporaryDirectory();
    const socket = join(directory.path, "mmds.sock");
    await using server = await MetadataServer.listen({ document: () => DOCUMENT, socket });
    const outgoing = httpRequest({ socketPath: socket, path: "/nex", agent: false }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    incoming.resume();
    assert.equal(incoming.statusCode, 401);
    assert.ok(server);
  });
});

describe("an agent with a metadata service", () => {
  it("waits for its document and then says hello, without a runner started ahead", async () => {
    await using directory = await temporaryDirectory();
    const hellos: { token: string; role: string }[] = [];
    const hub = createServer((socket) => {
      const link = new Link(socket);
      serveMethod(link, runnerToken, () => ({ token: "runner-token" }));
      serveMethod(link, servicesToken, () => ({ token: "services-token" }));
      serveMethod(link, hello, ({ token, role }) => {
        hellos.push({ token, role });
        link.admit();
        return { version: LINK_VERSION, max_payload: 1024 * 1024, invocation_prefix: "i" };
      });
    }).listen(0, "127.0.0.1");
    await once(hub, "listening");
    let connections = 0;
    hub.on("connection", () => connections++);
    const link = `tcp:127.0.0.1:${(hub.address() as AddressInfo).port}`;
    let asked = 0;
    let isReady = false;
    await using server = await MetadataServer.listen({
      document: () => {
        asked++;
        return isReady ? { agent_id: "a1", link, token: "agent-token" } : undefined;
      },
    });
    const { agent, runner } = agentPrograms();
    const command = [agent, "--metadata", `mmds:127.0.0.1:${server.port}`, "--runner", runner];
    const child = spawn(process.execPath, [...command, "--directory", directory.path], { stdio: "ignore", env: {} });
    const ended = once(child, "exit");
    try {
      await waitFor(() => asked >= 3, { message: "the agent to ask" });
      assert.equal(connections, 0);
      isReady = true;
      await waitFor(() => hellos.length === 3, { message: "agent and runner to say hello" });
      assert.deepEqual(hellos[0], { token: "agent-token", role: "agent" });
      // The agent says the one on the runner's second link, while the runner is still coming up.
      assert.deepEqual(
        hellos.slice(1).toSorted((a, b) => a.role.localeCompare(b.role)),
        [
          { token: "runner-token", role: "runner" },
          { token: "services-token", role: "services" },
        ],
      );
    } finally {
      child.kill("SIGTERM");
      await ended;
      hub.close();
    }
  });
});
