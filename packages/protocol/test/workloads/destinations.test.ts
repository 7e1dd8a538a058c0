import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatDestination, isLoopbackHost, isNexError, type NexError, parseDestination } from "@nex/protocol";
import fc from "fast-check";

describe("a destination", () => {
  const GOOD: Readonly<Record<string, string>> = {
    "db.example.com:5432": "db.example.com:5432",
    "DB.Example.com:1": "db.example.com:1",
    "db:65535": "db:65535",
    "a_b-c.internal:80": "a_b-c.internal:80",
    "localhost:4222": "localhost:4222",
    "127.0.0.1:4222": "127.0.0.1:4222",
    "127.3.2.1:80": "127.3.2.1:80",
    "4x4.example:80": "4x4.example:80",
    "db:00080": "db:80",
  };
  for (const [text, canonical] of Object.entries(GOOD)) {
    it(`may be ${text}`, () => {
      assert.equal(formatDestination(parseDestination(text)), canonical);
    });
  }

  const REFUSED: Readonly<Record<string, RegExp>> = {
    "": /host name and a port/,
    db: /host name and a port/,
    ":80": /host name and a port/,
    "a:b:80": /host name and a port/,
    "db:x": /host name and a port/,
    "db:0": /1 to 65535/,
    "db:65536": /1 to 65535/,
    "10.0.0.5:80": /Use the machine's host name/,
    "[::1]:80": /Use the machine's host name/,
    "[2001:db8::1]:443": /Use the machine's host name/,
    "10.5:80": /Use the machine's host name/,
    "2130706433:80": /Use the machine's host name/,
    "0x7f000001:80": /Use the machine's host name/,
    "db.0x7f:80": /Use the machine's host name/,
    "127.1:80": /Use the machine's host name/,
    "127.0.0.256:80": /Use the machine's host name/,
    "-a.example:80": /not a host name/,
    "a..b:80": /not a host name/,
    "a.:80": /not a host name/,
    "a#b:80": /not a host name/,
    "*.example.com:80": /not a host name/,
    "é.example:80": /not a host name/,
    [`${"a".repeat(64)}:80`]: /not a host name/,
    [`${"a.".repeat(130)}b:80`]: /not a host name/,
  };
  for (const [text, why] of Object.entries(REFUSED)) {
    it(`may not be ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(
        () => parseDestination(text),
        (error: NexError) => {
          assert.equal(error.code, "invalid_request");
          assert.match(error.message, why);
          return true;
        },
      );
    });
  }

  it("of any form is taken or refused, and what is taken fits one line of a hosts file", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webAuthority(),
          fc.domain().map((name) => `${name}:80`),
        ),
        (text) => {
          try {
            const { host, port } = parseDestination(text);
            assert.match(host, /^[a-z0-9._-]+$/);
            assert.ok(port >= 1 && port <= 65_535);
            assert.deepEqual(parseDestination(formatDestination({ host, port })), { host, port });
          } catch (error) {
            assert.ok(isNexError(error), String(error));
          }
        },
      ),
    );
  });

  it("is loopback by name or address", () => {
    assert.deepEqual(["localhost", "127.0.0.1", "127.9.9.9", "db", "localhost.example"].map(isLoopbackHost), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
