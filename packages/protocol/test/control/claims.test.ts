import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeClaims, LEGACY_HASH, type NewClaims, signClaims } from "../../src/control/claims.ts";
import { ExchangeKey } from "../../src/keys/exchange-key.ts";
import { SigningKey } from "../../src/keys/signing-key.ts";
import { throwsCode } from "../expect-nex-error.ts";
import { signJwt, signLegacyClaims } from "./legacy-claims.ts";

const issuer = SigningKey.create("account");
const NOW = 1_795_421_431_000;
const newClaims: NewClaims = {
  name: "orders",
  action: "deploy",
  namespace: "default",
  nexus: "nexus",
  kind: "javascript",
  hash: "ab".repeat(32),
  issuedAt: NOW,
  expiresAt: NOW + 60_000,
};
const header = { typ: "JWT", alg: "ed25519-nkey" };
const payload = { jti: "x", iat: 1, iss: issuer.publicKey, sub: "w", nats: { version: 2 } };

describe("claims", () => {
  it("come back as they were signed", () => {
    const { id, ...claims } = decodeClaims(signClaims(issuer, newClaims));
    assert.match(id, /^[A-Z2-7]{52}$/);
    const { action, expiresAt, hash, issuedAt, kind, name, namespace, nexus } = newClaims;
    assert.deepEqual(claims, {
      action,
      expiresAt,
      hash,
      issuedAt,
      kind,
      name,
      namespace,
      nexus,
      issuer: issuer.publicKey,
    });
    assert.equal(decodeClaims(signClaims(issuer, { ...newClaims, node: "N1" })).node, "N1");
  });

  it("never have the same id twice", () => {
    const ids = new Set(Array.from({ length: 100 }, () => decodeClaims(signClaims(issuer, newClaims)).id));
    assert.equal(ids.size, 100);
  });

  it("have the form that Go's library reads", () => {
    const [head = "", body = ""] = signClaims(issuer, newClaims).split(".");
    assert.deepEqual(JSON.parse(Buffer.from(head, "base64url").toString()), header);
    const written = JSON.parse(Buffer.from(body, "base64url").toString());
    assert.deepEqual([written.iat, written.exp, written.nats.version], [1_795_421_431, 1_795_421_491, 2]);
    // Go takes these two for its own and would decode other claims.
    assert.ok(!("type" in written.nats) && !("tags" in written.nats) && !("type" in written));
  });

  it("are read as 0.2.7 signs them, in both its forms", () => {
    for (const alg of ["ed25519-nkey", "ed25519"] as const) {
      const claims = decodeClaims(signLegacyClaims(issuer, { name: "echoservice", iat: 1_795_421_431, alg }));
      assert.deepEqual(
        [claims.name, claims.hash, claims.issuedAt, claims.action],
        ["echoservice", LEGACY_HASH, NOW, undefined],
      );
      assert.ok(!("expiresAt" in claims));
    }
  });

  it("are refused when anything was changed", () => {
    const jwt = signClaims(issuer, newClaims);
    fc.assert(
      fc.property(fc.nat(jwt.length - 1), fc.constantFrom(...Array.from("ABCabc019-_.=")), (at, letter) => {
        const changed = jwt.slice(0, at) + letter + jwt.slice(at + 1);
        if (changed !== jwt) throwsCode("claims_invalid", () => decodeClaims(changed));
      }),
      { numRuns: 500 },
    );
  });

  it("are refused when another signed them", () => {
    const other = SigningKey.create("account");
    const forged = signJwt(other, header, payload);
    throwsCode("claims_invalid", () => decodeClaims(forged), new RegExp(`not ${issuer.publicKey}'s`));
    const [head, body] = signJwt(issuer, header, payload).split(".");
    throwsCode("claims_invalid", () => decodeClaims(`${head}.${body}.${"A".repeat(86)}`));
    throwsCode("claims_invalid", () => decodeClaims(`${head}.${body}.`));
    // A signature over the payload alone counts under the old algorithm only.
    const [, oldBody, oldSignature] = signJwt(issuer, { typ: "JWT", alg: "ed25519" }, payload).split(".");
    throwsCode("claims_invalid", () => decodeClaims(`${head}.${oldBody}.${oldSignature}`));
  });

  it("are refused with other algorithms, however well signed", () => {
    for (const alg of ["none", "EdDSA", "HS256", "", null, 1]) {
      throwsCode("claims_invalid", () => decodeClaims(signJwt(issuer, { typ: "JWT", alg }, payload)));
    }
    throwsCode("claims_invalid", () => decodeClaims(signJwt(issuer, { alg: "ed25519-nkey" }, payload)));
  });

  it("are refused with a payload of another form, however well signed", () => {
    const curve = ExchangeKey.create().publicKey;
    const changes: readonly [RegExp, object][] = [
      [/"jti" is missing/, { jti: undefined }],
      [/"jti"/, { jti: "" }],
      [/"iat" must be a whole number/, { iat: 1.5 }],
      [/"iat"/, { iat: -1 }],
      [/"iat"/, { iat: 1e300 }],
      [/"exp"/, { exp: "soon" }],
      [/"iss"/, { iss: null }],
      [/issuer/, { iss: "AAAA" }],
      [/issuer/, { iss: curve }],
      [/"sub"/, { sub: "a.b" }],
      [/"sub"/, { sub: "" }],
      [/"nats" is missing/, { nats: undefined }],
      [/"nats"/, { nats: [] }],
      [/"nats\.version"/, { nats: { version: 3 } }],
      [/"nats\.hash"/, { nats: { hash: 7 } }],
      [/"nats\.nexus"/, { nats: { nexus: "x".repeat(257) } }],
    ];
    for (const [text, change] of changes) {
      throwsCode("claims_invalid", () => decodeClaims(signJwt(issuer, header, { ...payload, ...change })), text);
    }
    for (const whole of [null, [], "x", 1])
      throwsCode("claims_invalid", () => decodeClaims(signJwt(issuer, header, whole)));
  });

  it("take null and empty for absent, and ignore unknown names", () => {
    const text = JSON.stringify({
      ...payload,
      exp: null,
      nbf: 0,
      more: 1,
      nats: { hash: null, namespace: "", nonce: "n" },
    });
    const jwt = signJwt(issuer, header, JSON.parse(text.replace('"more"', '"__proto__"')));
    assert.deepEqual(decodeClaims(jwt), { id: "x", issuer: issuer.publicKey, name: "w", issuedAt: 1000 });
  });

  it("throw nothing but claims_invalid at junk", () => {
    const part = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString("base64url")),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) =>
        throwsCode("claims_invalid", () => decodeClaims(parts.join("."))),
      ),
    );
    throwsCode("claims_invalid", () => decodeClaims("x".repeat(10_000_000)), /at most 8192/);
    const deep = Buffer.from("[".repeat(5000)).toString("base64url");
    throwsCode("claims_invalid", () => decodeClaims(`${deep}.x.x`));
  });
});
