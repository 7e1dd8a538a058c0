import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { createAccount, fromPublic, fromSeed } from "@nats-io/nkeys";
import fc from "fast-check";
import { createSeed } from "../../src/keys/nkey.ts";
import { SigningKey, verify } from "../../src/keys/signing-key.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

describe("signing key", () => {
  const key = SigningKey.create("account");

  it("signs what the NATS library verifies, and the other way round", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => fromPublic(key.publicKey).verify(data, key.sign(data))),
      // The library's Ed25519 takes milliseconds.
      { numRuns: 5 },
    );
    const pair = createAccount();
    const data = Buffer.from("data");
    assert.ok(verify(pair.getPublicKey(), data, pair.sign(data)));
  });

  it("comes back from its seed, also with a line end", () => {
    const again = SigningKey.fromSeed(`${key.seed}\n`);
    assert.deepEqual([again.publicKey, again.seed], [key.publicKey, key.seed]);
    assert.equal(fromSeed(Buffer.from(key.seed)).getPublicKey(), key.publicKey);
  });

  it("verifies its own signatures and no changed ones", () => {
    const other = SigningKey.create("account");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (data, at, bits) => {
        const signature = key.sign(data);
        assert.ok(verify(key.publicKey, data, signature));
        assert.equal(verify(other.publicKey, data, signature), false);
        assert.equal(verify(key.publicKey, flip(data, at, bits), signature), false);
        assert.equal(verify(key.publicKey, data, flip(signature, at, bits)), false);
      }),
    );
  });

  it("takes malformed keys and signatures as not verifying", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 80 }), (text, signature) => {
        assert.equal(verify(text, Buffer.from("data"), signature), false);
        assert.equal(verify(key.publicKey, Buffer.from("data"), signature), false);
        onlyNexErrors(() => SigningKey.fromSeed(text));
      }),
    );
  });

  it("still verifies after many other keys were seen", () => {
    const data = Buffer.from("data");
    const keys = Array.from({ length: 600 }, () => SigningKey.create("user"));
    for (const each of [...keys, ...keys.slice(0, 10), key]) assert.ok(verify(each.publicKey, data, each.sign(data)));
  });

  it("is never a curve key, and does not show its seed", () => {
    throwsCode("invalid_request", () => SigningKey.fromSeed(createSeed("curve")), /cannot sign/);
    assert.ok(!inspect(key, { showHidden: true, depth: 9 }).includes(key.seed));
    assert.ok(!JSON.stringify(key).includes(key.seed));
  });
});

function flip(data: Uint8Array, at: number, bits: number): Uint8Array {
  const changed = Uint8Array.from(data);
  const index = at % changed.length;
  changed[index] = (changed[index] ?? 0) ^ bits;
  return changed;
}
