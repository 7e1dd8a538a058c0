import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createUser } from "@nats-io/nkeys";
import { isNexError, type NexErrorCode } from "@nex/protocol";
import { startNatsServer } from "@nex/testing";
import type { ConnectionFlags } from "../../src/connection/connection-config.ts";
import { connectToNats } from "../../src/connection/connect.ts";
import { resolveConnection } from "../../src/connection/resolve-connection.ts";
import { contextHome } from "../support/context-home.ts";

const NOWHERE = { HOME: "/nonexistent" };
const TIMEOUT_MS = 2000;

async function tryConnection(
  flags: ConnectionFlags,
  env: Readonly<Record<string, string>> = NOWHERE,
  timeoutMs: number = TIMEOUT_MS,
): Promise<void> {
  const connection = await connectToNats(resolveConnection(flags, env, timeoutMs), { reconnect: false });
  await connection.flush();
  await connection.close();
}

function fails(code: NexErrorCode, says: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(isNexError(error), String(error));
    assert.equal(error.code, code);
    assert.match(error.message, says);
    assert.ok(!JSON.stringify(error).includes("s3cret"));
    return true;
  };
}

test("connects with a user, by flags, URL and context", async () => {
  await using server = await startNatsServer({ auth: { user: "ada", password: "s3cret" } });
  await tryConnection({ server: server.url, user: "ada", password: "s3cret" });
  await tryConnection({ server: `nats://ada:s3cret@127.0.0.1:${server.port}` });
  await using home = await contextHome({ dev: { url: server.url, user: "ada", password: "s3cret" } }, "dev");
  await tryConnection({}, home.env);
  await assert.rejects(
    tryConnection({ server: server.url, user: "ada", password: "s3cret?" }),
    fails(
      "authentication_failed",
      /^The NATS server at nats:\/\/127\.0\.0\.1:\d+ refuses the credentials from --user \(.+\)\.$/,
    ),
  );
  await assert.rejects(
    tryConnection({ server: server.url }),
    fails("authentication_failed", /wants credentials, and none were given/),
  );
});

test("connects with a token", async () => {
  await using server = await startNatsServer({ auth: { token: "s3cret" } });
  await tryConnection({ server: server.url, token: "s3cret" });
  await tryConnection({ server: `nats://s3cret@127.0.0.1:${server.port}` });
});

test("connects with an nkey, and reads a replaced file when it connects again", async () => {
  const [first, second] = [createUser(), createUser()];
  const users = [first, second].map((user) => `{ nkey: ${user.getPublicKey()} }`);
  await using server = await startNatsServer({ config: `authorization { users: [${users.join(", ")}] }` });
  await using home = await contextHome();
  const file = await home.file("user.nk", `# my key\n${new TextDecoder().decode(first.getSeed())}\n`);
  const connection = await connectToNats(resolveConnection({ server: server.url, nkey: file }, home.env, TIMEOUT_MS), {
    reconnectTimeWait: 10,
  });
  try {
    await writeFile(file, "half a fi");
    const statuses = connection.status()[Symbol.asyncIterator]();
    await connection.reconnect();
    for (let status = await statuses.next(); status.value?.type !== "reconnect"; status = await statuses.next());
    await connection.flush();
  } finally {
    await connection.close();
  }
  await assert.rejects(
    tryConnection({ server: server.url, nkey: file }),
    fails("authentication_failed", /^--nkey: .*user\.nk holds no seed of an nkey/),
  );
});

test("credentials files that are missing or something else are told before dialling", async () => {
  await using home = await contextHome();
  const file = await home.file("x.creds", "hello");
  await assert.rejects(
    tryConnection({ creds: file }),
    fails("authentication_failed", /x\.creds is not a credentials file/),
  );
  await assert.rejects(
    tryConnection({ creds: `${file}.gone` }),
    fails("file_not_found", /^--creds: .*x\.creds\.gone cannot be read \(it does not exist\)\.$/),
  );
  await assert.rejects(
    tryConnection({ tlsca: `${file}.gone` }),
    fails("file_not_found", /x\.creds\.gone cannot be read/),
  );
});

/** A port of 127.0.0.1 where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

test("a server that is not there is named, with its context", async () => {
  const url = `nats://127.0.0.1:${await freePort()}`;
  await assert.rejects(
    tryConnection({ server: url }),
    fails(
      "connection_failed",
      new RegExp(`^Cannot connect to the NATS server at ${url}: connection refused\\. Start one with "nex up"`),
    ),
  );
  await using home = await contextHome({ dev: { url }, "nex-embedded": { url } });
  await assert.rejects(tryConnection({ context: "dev" }, home.env), fails("connection_failed", /\(context "dev"\)/));
  await assert.rejects(tryConnection({}, home.env), fails("connection_failed", /This address was left by "nex up"/));
  await assert.rejects(
    tryConnection({ server: "nats://no-such-host.invalid" }),
    fails("connection_failed", /no-such-host\.invalid:4222: the host name/),
  );
  await assert.rejects(
    tryConnection({ server: url.replace("nats:", "ws:") }),
    fails("connection_failed", /ws:\/\/127/),
  );
});

test("a server that says nothing, or something else, is no NATS server", async () => {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  const { port } = listener.address() as { port: number };
  try {
    await assert.rejects(
      tryConnection({ server: `127.0.0.1:${port}` }, NOWHERE, 100),
      fails("connection_failed", /no answer in time/),
    );
    listener.on("connection", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await assert.rejects(
      tryConnection({ server: `127.0.0.1:${port}` }, NOWHERE, 500),
      fails("connection_failed", /Cannot connect/),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => listener.close(done));
  }
});

/** Made once with openssl: valid for a hundred years, but for `expired`; `stranger` is of another authority. */
const PEM = join(import.meta.dirname, "../fixtures/tls");
const CA = join(PEM, "ca.pem");

const withTls = (name: string, more = ""): { readonly config: string } => ({
  config: `tls { cert_file: "${PEM}/${name}.pem", key_file: "${PEM}/${name}.key.pem" ${more} }`,
});
const clientOf = (certificate: string, key = certificate): ConnectionFlags => ({
  tlscert: `${PEM}/${certificate}.pem`,
  tlskey: `${PEM}/${key}.key.pem`,
});

for (const [what, certificate, flags, says] of [
  ["of an authority that is not named", "server", {}, /an authority that is not known here\. Name .*--tlsca/],
  ["for another host", "elsewhere", { tlsca: CA }, /is for other names \(DNS:elsewhere\.example\)\. Use one of them/],
  ["that has expired", "expired", { tlsca: CA }, /certificate has expired\. Have it renewed/],
] as const) {
  test(`a server's certificate ${what} is refused, and the message says what to do`, async () => {
    await using server = await startNatsServer(withTls(certificate));
    for (const scheme of ["nats:", "tls:"]) {
      const attempt = tryConnection({ server: server.url.replace("nats:", scheme), ...flags });
      await assert.rejects(attempt, fails("connection_failed", says));
      await assert.rejects(attempt, (error: Error) => !/nex up|OpenSSL|routines/.test(error.message));
    }
  });
}

test("a client's certificate is told from none, one of another authority, and one with another's key", async () => {
  await using server = await startNatsServer(withTls("server", `, verify: true, ca_file: "${CA}"`));
  const connect = async (flags: ConnectionFlags): Promise<void> =>
    await tryConnection({ server: server.url, tlsca: CA, ...flags });
  await connect(clientOf("client"));
  const wanted = fails("connection_failed", /it wants a client's certificate that it trusts\. Give one with --tlscert/);
  await assert.rejects(connect({}), wanted);
  await assert.rejects(connect(clientOf("stranger")), wanted);
  const mixed = /certificate and key do not belong together\. Check what --tlscert and --tlskey name/;
  await assert.rejects(connect(clientOf("client", "stranger")), fails("connection_failed", mixed));
});

test("TLS is refused by a server without it", async () => {
  await using server = await startNatsServer();
  await assert.rejects(
    tryConnection({ server: server.url.replace("nats:", "tls:") }),
    fails("connection_failed", /it does not speak TLS\. Use nats:\/\//),
  );
});
