import assert from "node:assert/strict";
import { test } from "node:test";
import { isNexError } from "@nex/protocol";
import type { ConnectionFlags } from "../../src/connection/connection-config.ts";
import { resolveConnection } from "../../src/connection/resolve-connection.ts";
import { contextHome } from "../support/context-home.ts";

interface Case {
  readonly context?: unknown;
  readonly selected?: string;
  readonly flags?: ConnectionFlags;
  readonly env?: Readonly<Record<string, string>>;
  readonly code: string;
  readonly says: RegExp;
}

const cases: Readonly<Record<string, Case>> = {
  "a context that is not there": {
    context: {},
    flags: { context: "x" },
    code: "file_not_found",
    says: /^--context: there is no NATS context "x" \(.*x\.json\)\. The contexts there are: c\.$/,
  },
  "a selected context that is not there": {
    selected: "x",
    code: "file_not_found",
    says: /^The selected context \(context\.txt\): there is no NATS context "x"/,
  },
  "a name that leads elsewhere": {
    env: { NATS_CONTEXT: "../c" },
    code: "invalid_request",
    says: /^NATS_CONTEXT: "\.\.\/c" cannot be the name/,
  },
  "not JSON, without quoting its secrets": {
    context: '{"url": "h",\n "password": s3cret}',
    code: "invalid_request",
    says: /^The NATS context .*c\.json is not valid JSON[^s]*\.$/,
  },
  "not an object": { context: "[]", code: "invalid_request", says: /c\.json is not a JSON object\.$/ },
  "a key of the wrong type": {
    context: { url: 5 },
    code: "invalid_request",
    says: /c\.json has a "url" that is not text\.$/,
  },
  "tls_first of the wrong type": {
    context: { tls_first: "yes" },
    code: "invalid_request",
    says: /"tls_first" that is neither true nor false/,
  },
  "two ways to log in": {
    context: { user: "a", creds: "/b" },
    code: "invalid_request",
    says: /more than one of "user", "creds"; keep/,
  },
  "a key nex cannot honour": {
    context: { nsc: "nsc://o/a/u" },
    code: "invalid_request",
    says: /uses "nsc", which nex does not support: write the credentials to a file/,
  },
  "a reference nex cannot follow": {
    context: { token: "op://vault/x" },
    code: "invalid_request",
    says: /^"token" of the context "c": nex does not read op:\/\/ references/,
  },
  "a variable that is not set": {
    context: { creds: "$NOT_SET/x" },
    code: "invalid_request",
    says: /refers to the environment variable NOT_SET, which is not set\.$/,
  },
  "bad base64": { flags: { nkey: "data:;base64,***" }, code: "invalid_request", says: /^--nkey: the data: reference/ },
  "half a client certificate": {
    flags: { tlscert: "/c" },
    code: "invalid_request",
    says: /^--tlscert needs its other half/,
  },
  "no URL at all": { flags: { server: "," }, code: "invalid_request", says: /^--server is empty/ },
  "another scheme": {
    env: { NATS_URL: "http://h" },
    code: "invalid_request",
    says: /^NATS_URL: "http:\/\/h" is not a NATS URL/,
  },
  "a bad URL, without its password": {
    flags: { server: "nats://u:s3cret@h:99999999" },
    code: "invalid_request",
    says: /^--server: "nats:\/\/…@h:99999999" is not a NATS URL/,
  },
  "two kinds of URL": {
    flags: { server: "ws://a,nats://b" },
    code: "invalid_request",
    says: /mixes ws:\/\/ and nats:\/\//,
  },
  "an empty flag": { flags: { server: "" }, code: "usage", says: /^--server was given without a value/ },
};

for (const [name, { context, selected, flags, env, code, says }] of Object.entries(cases)) {
  test(name, async () => {
    await using home = await contextHome(context === undefined ? {} : { c: context }, selected);
    const given = flags ?? (context === undefined ? {} : { context: "c" });
    assert.throws(
      () => resolveConnection(given, { ...home.env, ...env }, 1),
      (error) =>
        isNexError(error) &&
        error.code === code &&
        says.test(error.message) &&
        !JSON.stringify(error).includes("s3cret")
          ? true
          : assert.fail(String(error)),
    );
  });
}
