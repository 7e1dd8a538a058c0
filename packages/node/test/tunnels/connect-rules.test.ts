import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NexError, parseDestination } from "@nex/protocol";
import { ConnectRules, isConnectRule } from "../../src/tunnels/connect-rules.ts";

function allows(entry: string, destination: string): boolean {
  try {
    new ConnectRules([entry]).check(parseDestination(destination));
    return true;
  } catch (error) {
    assert.equal((error as NexError).code, "connect_denied");
    return false;
  }
}

describe("services.connect", () => {
  const CASES: readonly (readonly [entry: string, taken: readonly string[], refused: readonly string[]])[] = [
    [
      "db.example.com:5432",
      ["db.example.com:5432", "DB.example.COM:5432"],
      ["db.example.com:5433", "example.com:5432", "x.db.example.com:5432"],
    ],
    [
      "*.example.com:443",
      ["a.example.com:443", "b.a.example.com:443"],
      ["example.com:443", "a.example.com:80", "badexample.com:443"],
    ],
    ["db:*", ["db:1", "db:65535"], ["db2:1", "a.db:1"]],
    ["*.lan:*", ["nas.lan:1"], ["lan:1"]],
    ["localhost:4222", ["127.0.0.1:4222", "localhost:4222"], ["127.0.0.2:4222", "localhost:4223"]],
    ["127.0.0.1:4222", ["localhost:4222"], ["127.0.0.2:4222"]],
  ];
  for (const [entry, taken, refused] of CASES) {
    it(`${entry} takes in what it says and no more`, () => {
      for (const destination of taken) assert.ok(allows(entry, destination), destination);
      for (const destination of refused) assert.ok(!allows(entry, destination), destination);
    });
  }

  for (const entry of [
    "db",
    "db:",
    "*:443",
    "*",
    "*.*:1",
    "a.*:1",
    "*db:1",
    "10.0.0.1:80",
    "[::1]:80",
    "db:0",
    "db:70000",
    "db:8*",
    "*.localhost:1",
    "http://db:80",
    "",
  ]) {
    it(`may not have the entry ${JSON.stringify(entry)}`, () => {
      assert.equal(isConnectRule(entry), false);
    });
  }

  it("that is empty allows nothing, and the refusal names destination and key", () => {
    assert.throws(() => new ConnectRules([]).check(parseDestination("db:5432")), {
      code: "connect_denied",
      message: /connect to db:5432.*"db:5432" to services\.connect/,
    });
  });
});
