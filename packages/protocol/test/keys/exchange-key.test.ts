import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { ExchangeKey } from "../../src/keys/exchange-key.ts";
import { createSeed, decodeSeed } from "../../src/keys/nkey.ts";
import { SigningKey } from "../../src/keys/signing-key.ts";
import { throwsCode } from "../expect-nex-error.ts";

/** Made with the Go nkeys library 0.4.7: private keys of 32 bytes 1 and 2, nonce of 24 bytes 3, text `{"k":"v"}`. */
const VECTOR = {
  senderSeed: "SXAACAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAN4QM",
  senderPublic: "XCSOBEUSWZI4E6FZO4WFNH27VG5RHWIGWRVLNDE57HOCWRAJ7CRATSUK",
  recipientSeed: "SXAAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAT5QQ",
  recipientPublic: "XDHI2OWRZS3DH3D3ODAXQFFFY5XM2AUWQUCQ2NCHIW5ALBYOLB6VSWAL",
  sealed: "eGt2MQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA20eK2/2wX7HKbjGwzCfH7iYCRQtETRMjFk=",
};

/** The box takes a millisecond each way. */
const FEW = { numRuns: 15 };

describe("exchange key", () => {
  const sender = ExchangeKey.create();
  const recipient = ExchangeKey.create();

  it("opens what Go sealed", () => {
    const go = {
      sender: ExchangeKey.fromSeed(VECTOR.senderSeed),
      recipient: ExchangeKey.fromSeed(VECTOR.recipientSeed),
    };
    assert.deepEqual([go.sender.publicKey, go.recipient.publicKey], [VECTOR.senderPublic, VECTOR.recipientPublic]);
    assert.deepEqual(decodeSeed(go.sender.seed).raw, new Uint8Array(32).fill(1));
    const opened = go.recipient.open(Buffer.from(VECTOR.sealed, "base64"), go.sender.publicKey);
    assert.equal(Buffer.from(opened).toString(), '{"k":"v"}');
  });

  it("opens what it sealed, 44 bytes longer and never twice the same", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const sealed = sender.seal(data, recipient.publicKey);
        assert.equal(sealed.length, data.length + 44);
        assert.equal(Buffer.from(sealed.subarray(0, 4)).toString(), "xkv1");
        assert.notDeepEqual(sealed, sender.seal(data, recipient.publicKey));
        assert.deepEqual(recipient.open(sealed, sender.publicKey), data);
      }),
      FEW,
    );
  });

  it("opens nothing that was changed, or that others sealed or should open", () => {
    const sealed = sender.seal(Buffer.from("secret"), recipient.publicKey);
    const other = ExchangeKey.create();
    throwsCode("environment_sealed_wrong", () => other.open(sealed, sender.publicKey));
    throwsCode("environment_sealed_wrong", () => recipient.open(sealed, other.publicKey));
    throwsCode("environment_sealed_wrong", () => recipient.open(sealed, SigningKey.create("user").publicKey));
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ bits;
        throwsCode("environment_sealed_wrong", () => recipient.open(changed, sender.publicKey));
      }),
      FEW,
    );
  });

  it("throws only environment_sealed_wrong at junk", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.string(), (junk, text) => {
        throwsCode("environment_sealed_wrong", () => recipient.open(junk, sender.publicKey));
        throwsCode("environment_sealed_wrong", () => recipient.open(junk, text));
        const marked = new Uint8Array([...Buffer.from("xkv1"), ...junk]);
        throwsCode("environment_sealed_wrong", () => recipient.open(marked, sender.publicKey));
      }),
      FEW,
    );
  });

  it("seals to exchange keys only, is made of their seeds only, and does not show its own", () => {
    throwsCode(
      "invalid_request",
      () => sender.seal(Buffer.from("x"), SigningKey.create("user").publicKey),
      /not an exchange key/,
    );
    throwsCode("invalid_request", () => ExchangeKey.fromSeed(createSeed("account")), /cannot seal/);
    assert.equal(ExchangeKey.fromSeed(`${sender.seed}\r\n`).publicKey, sender.publicKey);
    assert.ok(!inspect(sender, { showHidden: true, depth: 9 }).includes(sender.seed));
  });
});
