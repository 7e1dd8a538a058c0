import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionConfig, ConnectionFlags } from "../../src/connection/connection-config.ts";
import { resolveConnection } from "../../src/connection/resolve-connection.ts";
import { contextHome } from "../support/context-home.ts";

const SEED = `SU${"A".repeat(56)}`;

interface Case {
  readonly name: string;
  readonly contexts?: Readonly<Record<string, unknown>>;
  readonly selected?: string;
  readonly flags?: ConnectionFlags;
  readonly env?: Readonly<Record<string, string>>;
  readonly expect: Partial<ConnectionConfig>;
}

const none = { kind: "none" } as const;
const dev = { url: "nats://dev:4222", user: "ada", password: "pw" };
const asAda = {
  kind: "user",
  user: "ada",
  password: "pw",
  token: undefined,
  from: '"user" of the context "dev"',
} as const;

const cases: readonly Case[] = [
  {
    name: "nothing given",
    expect: { servers: ["nats://127.0.0.1:4222"], credentials: none, context: undefined, tls: undefined },
  },
  {
    name: "the selected context",
    contexts: { dev },
    selected: "dev\n",
    expect: { servers: ["nats://dev:4222"], credentials: asAda, context: "dev" },
  },
  {
    name: "NATS_CONTEXT before the selected one",
    contexts: { dev, other: {} },
    selected: "other",
    env: { NATS_CONTEXT: "dev" },
    expect: { context: "dev", credentials: asAda },
  },
  {
    name: "--context before NATS_CONTEXT",
    contexts: { dev, other: {} },
    env: { NATS_CONTEXT: "other" },
    flags: { context: "dev" },
    expect: { context: "dev" },
  },
  {
    name: "--server sets the selected context aside",
    contexts: { dev },
    selected: "dev",
    flags: { server: "other" },
    expect: { servers: ["nats://other:4222"], credentials: none, context: undefined },
  },
  {
    name: "NATS_URL too",
    contexts: { dev },
    selected: "dev",
    env: { NATS_URL: "other:5222" },
    expect: { servers: ["nats://other:5222"], credentials: none, context: undefined },
  },
  {
    name: "credentials too",
    contexts: { dev },
    selected: "dev",
    flags: { token: "t" },
    expect: {
      servers: ["nats://127.0.0.1:4222"],
      credentials: { kind: "token", token: "t", from: "--token" },
      context: undefined,
    },
  },
  {
    name: "--server overrides one field of a named context",
    contexts: { dev },
    flags: { context: "dev", server: "other" },
    expect: { servers: ["nats://other:4222"], credentials: asAda, context: "dev" },
  },
  {
    name: "--user overrides one field of a named context",
    contexts: { dev },
    flags: { context: "dev", user: "bob" },
    expect: { credentials: { kind: "user", user: "bob", password: "pw", token: undefined, from: "--user" } },
  },
  {
    name: "--creds replaces the way to log in",
    contexts: { dev },
    flags: { context: "dev", creds: "/x.creds" },
    expect: {
      servers: ["nats://dev:4222"],
      credentials: { kind: "creds", creds: { kind: "file", path: "/x.creds" }, from: "--creds" },
    },
  },
  {
    name: "a flag before a variable",
    flags: { server: "a" },
    env: { NATS_URL: "b" },
    expect: { servers: ["nats://a:4222"] },
  },
  {
    name: "a variable before a context",
    contexts: { dev },
    flags: { context: "dev" },
    env: { NATS_PASSWORD: "pw2" },
    expect: { credentials: { ...asAda, password: "pw2" } },
  },
  {
    name: "flag and variable make one login",
    flags: { user: "bob" },
    env: { NATS_PASSWORD: "pw" },
    expect: { credentials: { kind: "user", user: "bob", password: "pw", token: undefined, from: "--user" } },
  },
  {
    name: "a user without a password is a token",
    flags: { user: "t0ken" },
    expect: { credentials: { kind: "token", token: "t0ken", from: "--user" } },
  },
  {
    name: "a token besides a user",
    contexts: { dev: { ...dev, token: "t" } },
    flags: { context: "dev" },
    expect: { credentials: { ...asAda, token: "t" } },
  },
  {
    name: "a login in the URL",
    flags: { server: "nats://bob:p%40ss@h:1" },
    expect: {
      servers: ["nats://h:1"],
      credentials: { kind: "user", user: "bob", password: "p@ss", token: undefined, from: "--server" },
    },
  },
  {
    name: "a token in the URL",
    env: { NATS_URL: "t0ken@h" },
    expect: { servers: ["nats://h:4222"], credentials: { kind: "token", token: "t0ken", from: "NATS_URL" } },
  },
  {
    name: "a flag before a login in the URL of a context",
    contexts: { c: { url: "nats://bob:pw@h" } },
    flags: { context: "c", token: "t" },
    expect: { credentials: { kind: "token", token: "t", from: "--token" } },
  },
  {
    name: "several servers",
    flags: { server: "a, tls://b:5222 ,[::1]:1" },
    expect: {
      servers: ["nats://a:4222", "tls://b:5222", "nats://[::1]:1"],
      tls: { cert: undefined, key: undefined, ca: undefined, handshakeFirst: false },
    },
  },
  { name: "web sockets", flags: { server: "wss://h/nats" }, expect: { servers: ["wss://h:443/nats"] } },
  {
    name: "the embedded server of a running nex up",
    contexts: { "nex-embedded": { url: "nats://127.0.0.1:9" } },
    expect: { servers: ["nats://127.0.0.1:9"], context: "nex-embedded" },
  },
  {
    name: "not if a server is named",
    contexts: { "nex-embedded": { url: "nats://127.0.0.1:9" } },
    flags: { server: "a" },
    expect: { servers: ["nats://a:4222"], context: undefined },
  },
  {
    name: "not if a context is selected",
    contexts: { dev, "nex-embedded": { url: "nats://127.0.0.1:9" } },
    selected: "dev",
    expect: { context: "dev" },
  },
  {
    name: "paths from home and variables",
    contexts: { c: { creds: "~/a/$WHO/${WHO}.creds" } },
    flags: { context: "c" },
    env: { WHO: "ada" },
    expect: {
      credentials: {
        kind: "creds",
        creds: { kind: "file", path: "$HOME/a/ada/ada.creds" },
        from: '"creds" of the context "c"',
      },
    },
  },
  {
    name: "a reference to a variable",
    contexts: { c: { url: "env://U", user: "a", password: "env://P" } },
    flags: { context: "c" },
    env: { U: "h", P: "pw" },
    expect: {
      servers: ["nats://h:4222"],
      credentials: { kind: "user", user: "a", password: "pw", token: undefined, from: '"user" of the context "c"' },
    },
  },
  {
    name: "a reference to data",
    flags: { nkey: `data:;base64,${Buffer.from(SEED).toString("base64")}` },
    expect: { credentials: { kind: "nkey", seed: { kind: "text", text: SEED }, from: "--nkey" } },
  },
  {
    name: "a file reference stays a file, to be read anew",
    flags: { creds: "file://~/x.creds" },
    expect: { credentials: { kind: "creds", creds: { kind: "file", path: "$HOME/x.creds" }, from: "--creds" } },
  },
  {
    name: "a JWT and a seed from variables",
    env: { NATS_JWT: "a.b.c", NATS_SEED: SEED },
    expect: {
      credentials: {
        kind: "jwt",
        jwt: { kind: "text", text: "a.b.c" },
        seed: { kind: "text", text: SEED },
        from: "NATS_JWT",
      },
    },
  },
  {
    name: "TLS, inbox prefix and JetStream domain",
    contexts: { c: { tls_first: true, ca: "/ca.pem", inbox_prefix: "_I.x", jetstream_domain: "hub" } },
    flags: { context: "c", tlscert: "/c.pem", tlskey: "/k.pem" },
    expect: {
      tls: {
        cert: { kind: "file", path: "/c.pem" },
        key: { kind: "file", path: "/k.pem" },
        ca: { kind: "file", path: "/ca.pem" },
        handshakeFirst: true,
      },
      inboxPrefix: "_I.x",
      jetstreamDomain: "hub",
    },
  },
];

for (const { name, contexts, selected, flags = {}, env = {}, expect } of cases) {
  test(name, async () => {
    await using home = await contextHome(contexts, selected);
    const found = resolveConnection(flags, { ...home.env, ...env }, 5000);
    const shown = JSON.parse(JSON.stringify(found).replaceAll(home.path, "$HOME")) as Record<string, unknown>;
    for (const [key, value] of Object.entries(expect)) {
      const wanted: unknown = value === undefined ? undefined : JSON.parse(JSON.stringify(value));
      assert.deepEqual(shown[key], wanted, key);
    }
  });
}

test("a context can be named by its path", async () => {
  await using home = await contextHome();
  const file = await home.file("mine.json", '{"url":"h"}');
  assert.equal(resolveConnection({ context: file }, home.env, 1).context, "mine");
});
