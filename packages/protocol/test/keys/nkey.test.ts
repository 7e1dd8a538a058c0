import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccount, createCluster, createCurve, createOperator, createServer, createUser } from "@nats-io/nkeys";
import fc from "fast-check";
import { decodeBase32, encodeBase32 } from "../../src/keys/base32.ts";
import { crc16 } from "../../src/keys/crc16.ts";
import { createSeed, decodePublic, decodeSeed, encodePublic, encodeSeed, type NkeyRole } from "../../src/keys/nkey.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

const roles = fc.constantFrom<NkeyRole>("account", "server", "user", "curve", "operator", "cluster");
const keyBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("base32", () => {
  it("is RFC 4648 without padding", () => {
    for (const [text, encoded] of [
      ["", ""],
      ["f", "MY"],
      ["fo", "MZXQ"],
      ["foo", "MZXW6"],
      ["foob", "MZXW6YQ"],
      ["fooba", "MZXW6YTB"],
      ["foobar", "MZXW6YTBOI"],
    ] as const) {
      assert.equal(encodeBase32(Buffer.from(text)), encoded);
      assert.deepEqual(Buffer.from(decodeBase32(encoded) ?? []).toString(), text);
    }
  });

  it("comes back as it went, and has one text for each value", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(decodeBase32(encodeBase32(bytes)), bytes)));
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z2-7]{0,20}$/), (text) => {
        const bytes = decodeBase32(text);
        if (bytes !== undefined) assert.equal(encodeBase32(bytes), text);
      }),
    );
  });
});

describe("nkey text", () => {
  it("has the check sum of CRC-16/XMODEM", () => {
    assert.equal(crc16(Buffer.from("123456789")), 0x31c3);
  });

  it("comes back as it went", () => {
    fc.assert(
      fc.property(roles, keyBytes, (role, key) => {
        assert.deepEqual(decodePublic(encodePublic(role, key)), { role, key });
        assert.deepEqual(decodeSeed(encodeSeed(role, key)), { role, raw: key });
      }),
    );
  });

  it("reads and writes what the NATS library does", () => {
    const makers = {
      account: createAccount,
      server: createServer,
      user: createUser,
      curve: createCurve,
      operator: createOperator,
      cluster: createCluster,
    };
    for (const [role, make] of Object.entries(makers) as [NkeyRole, typeof createUser][]) {
      const pair = make();
      const seed = new TextDecoder().decode(pair.getSeed());
      assert.equal(encodePublic(role, decodePublic(pair.getPublicKey()).key), pair.getPublicKey());
      assert.equal(decodePublic(pair.getPublicKey()).role, role);
      assert.equal(encodeSeed(role, decodeSeed(seed).raw), seed);
      assert.equal(decodeSeed(seed).role, role);
    }
  });

  it("begins with the letter of its role", () => {
    const letters: Record<NkeyRole, string> = {
      account: "A",
      server: "N",
      user: "U",
      curve: "X",
      operator: "O",
      cluster: "C",
    };
    for (const [role, letter] of Object.entries(letters) as [NkeyRole, string][]) {
      assert.ok(encodePublic(role, new Uint8Array(32)).startsWith(letter));
      assert.ok(createSeed(role).startsWith(`S${letter}`));
    }
  });

  it("ignores line ends and white space around a seed, as in key files", () => {
    const seed = createSeed("account");
    const spread = `  ${seed.slice(0, 20)}\r\n${seed.slice(20)}\n\n`;
    assert.deepEqual(decodeSeed(spread), decodeSeed(seed));
  });

  it("refuses every single changed character", () => {
    const text = encodePublic("account", Buffer.alloc(32, 7));
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom(...Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
        (at, letter) => {
          const changed = text.slice(0, at) + letter + text.slice(at + 1);
          if (changed !== text) throwsCode("invalid_request", () => decodePublic(changed));
        },
      ),
    );
  });

  it("throws nothing but NexError at junk, and never shows a seed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.equal(
          onlyNexErrors(() => decodePublic(text)),
          false,
        );
        assert.equal(
          onlyNexErrors(() => decodeSeed(text)),
          false,
        );
      }),
    );
    const seed = createSeed("user");
    const broken = `${seed.slice(0, -1)}!`;
    assert.throws(
      () => decodeSeed(broken),
      (error: Error) => !error.message.includes(seed.slice(4, 20)),
    );
    throwsCode("invalid_request", () => decodePublic(seed));
    throwsCode("invalid_request", () => decodeSeed(encodePublic("user", Buffer.alloc(32))));
    throwsCode("invalid_request", () => encodePublic("user", Buffer.alloc(31)));
  });
});
