import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeClaims, type NewClaims, signClaims } from "../../src/control/claims.ts";
import {
  checkClaims,
  checkDeployClaims,
  checkStopClaims,
  type DeployExpectation,
  isLegacyClaims,
  rememberClaimsUntil,
} from "../../src/control/claims-checks.ts";
import { SigningKey } from "../../src/keys/signing-key.ts";
import { throwsCode } from "../expect-nex-error.ts";
import { type LegacyClaims, signLegacyClaims } from "./legacy-claims.ts";

const issuer = SigningKey.create("account");
const NOW = 1_795_421_431_000;
const sha256 = "ab".repeat(32);
const node = SigningKey.create("server").publicKey;
const expectation: DeployExpectation = {
  name: "orders",
  namespace: "default",
  nexus: "nexus",
  kind: "javascript",
  sha256,
  node,
  now: NOW,
};
const fitting: NewClaims = {
  name: "orders",
  action: "deploy",
  namespace: "default",
  nexus: "nexus",
  kind: "javascript",
  hash: sha256,
  issuedAt: NOW,
  expiresAt: NOW + 60_000,
};

const claims = (changes: Partial<NewClaims> = {}) => decodeClaims(signClaims(issuer, { ...fitting, ...changes }));
const legacy = (changes: Partial<LegacyClaims> = {}) =>
  decodeClaims(signLegacyClaims(issuer, { name: "orders", iat: NOW / 1000, ...changes }));

describe("claims of a deploy", () => {
  it("are taken when they fit, bound to this node or to none", () => {
    checkDeployClaims(claims(), expectation);
    checkDeployClaims(claims({ node }), expectation);
    const { name: _, ...nameless } = expectation;
    checkDeployClaims(claims({ name: "other" }), nameless);
  });

  it("are refused for anything else than they were signed for", () => {
    const changes: readonly Partial<NewClaims>[] = [
      { name: "other" },
      { namespace: "other" },
      { namespace: "Default" },
      { nexus: "other" },
      { kind: "wasm" },
      { hash: "cd".repeat(32) },
      { hash: "abc12345TODOmakethisreal" },
      { action: "stop" },
      { action: "rollback" },
      { node: SigningKey.create("server").publicKey },
      { namespace: "" },
      { hash: "" },
    ];
    for (const acceptLegacy of [false, true]) {
      for (const change of changes) {
        throwsCode(
          "claims_mismatch",
          () => checkDeployClaims(claims(change), { ...expectation, acceptLegacy }),
          /Sign claims for exactly this/,
        );
      }
    }
  });

  it("count from their issue to their expiry, with 30 s for the clocks", () => {
    const at = (now: number) => () => checkDeployClaims(claims(), { ...expectation, now });
    fc.assert(fc.property(fc.integer({ min: -30_000, max: 90_000 }), (offset) => at(NOW + offset)()));
    throwsCode("claims_expired", at(NOW - 31_000), /in the future/);
    throwsCode("claims_expired", at(NOW + 91_000), /past their expiry/);
    const notYet = { ...claims(), notBefore: NOW + 40_000 };
    throwsCode("claims_expired", () => checkDeployClaims(notYet, expectation), /not valid yet/);
  });

  it("have an expiry, and at most a day to it", () => {
    const { expiresAt: _, ...endless } = claims();
    throwsCode("claims_invalid", () => checkDeployClaims(endless, expectation), /no expiry/);
    checkDeployClaims(claims({ expiresAt: NOW + 86_400_000 }), expectation);
    throwsCode(
      "claims_invalid",
      () => checkDeployClaims(claims({ expiresAt: NOW + 86_401_000 }), expectation),
      /24 hours/,
    );
    throwsCode("claims_invalid", () => checkDeployClaims(claims({ expiresAt: 8e15 }), expectation));
  });

  it("need to be remembered for as long as they would be taken", () => {
    for (const [used, acceptLegacy] of [
      [claims(), false],
      [legacy(), true],
      [{ ...legacy(), expiresAt: 8e15 }, true],
    ] as const) {
      const until = rememberClaimsUntil(used);
      throwsCode("claims_expired", () => checkDeployClaims(used, { ...expectation, acceptLegacy, now: until + 1 }));
    }
  });
});

describe("0.2.7's claims", () => {
  const legacyExpectation = { ...expectation, acceptLegacy: true };

  it("are refused unless they are accepted by choice", () => {
    assert.ok(isLegacyClaims(legacy()) && !isLegacyClaims(claims()));
    throwsCode("claims_mismatch", () => checkDeployClaims(legacy(), expectation), /accept_legacy_claims/);
    checkDeployClaims(legacy(), legacyExpectation);
  });

  it("count for 5 minutes", () => {
    const at = (now: number) => () => checkDeployClaims(legacy(), { ...legacyExpectation, now });
    at(NOW + 300_000)();
    at(NOW - 30_000)();
    throwsCode("claims_expired", at(NOW + 300_001), /301? s ago|300 s ago/);
    throwsCode("claims_expired", at(NOW - 30_001), /in the future/);
  });

  it("hold the placeholder or the true hash", () => {
    checkDeployClaims(legacy({ nats: { version: 2, hash: sha256 } }), legacyExpectation);
    throwsCode("claims_mismatch", () =>
      checkDeployClaims(legacy({ nats: { version: 2, hash: "cd".repeat(32) } }), legacyExpectation),
    );
    throwsCode("claims_mismatch", () => checkDeployClaims(legacy({ nats: { version: 2 } }), legacyExpectation));
    throwsCode("claims_mismatch", () => checkDeployClaims(legacy({ name: "other" }), legacyExpectation));
  });

  it("are not taken for half-bound ones", () => {
    throwsCode("claims_mismatch", () =>
      checkDeployClaims(legacy({ nats: { version: 2, hash: sha256, nexus: "nexus" } }), legacyExpectation),
    );
  });

  it("stop only what a stop was signed for", () => {
    const stop = { ...legacyExpectation, action: "stop" } as const;
    checkClaims(legacy({ nats: { version: 2 } }), stop);
    // The captured claims of an earlier deploy, or of this one.
    throwsCode("claims_mismatch", () => checkClaims(legacy(), stop), /a stop's must not/);
    throwsCode("claims_mismatch", () => checkClaims(legacy({ nats: { version: 2, hash: sha256 } }), stop));
    throwsCode("claims_mismatch", () => checkClaims(legacy(), { ...legacyExpectation, action: "rollback" }));
  });
});

describe("claims of a stop", () => {
  it("end what their issuer started, even in the same second", () => {
    checkStopClaims(claims({ action: "stop" }), claims());
  });

  it("are refused as 0.2.7 refuses them", () => {
    const deploy = legacy();
    const later = NOW / 1000 + 1;
    const stop = { nats: { version: 2 }, iat: later };
    checkStopClaims(legacy(stop), deploy);
    throwsCode("claims_replayed", () => checkStopClaims(deploy, deploy), /cloned or captured/);
    throwsCode(
      "claims_replayed",
      () => checkStopClaims(legacy({ nats: { version: 2 } }), deploy),
      /cloned or captured/,
    );
    throwsCode(
      "claims_mismatch",
      () => checkStopClaims(legacy({ ...stop, name: "other" }), deploy),
      /subject does not match/,
    );
    const stranger = decodeClaims(signLegacyClaims(SigningKey.create("account"), { name: "orders", ...stop }));
    throwsCode("issuer_not_allowed", () => checkStopClaims(stranger, deploy), /the only entity allowed/);
  });

  it("are bound like a deploy's, but to no artifact", () => {
    const { kind: _, sha256: __, ...stop } = { ...expectation, action: "stop" as const };
    const { hash: ___, ...unbound } = { ...fitting, action: "stop" as const };
    checkClaims(decodeClaims(signClaims(issuer, unbound)), stop);
    throwsCode("claims_mismatch", () => checkClaims(claims(), stop), /action/);
    throwsCode(
      "claims_mismatch",
      () => checkClaims(decodeClaims(signClaims(issuer, { ...unbound, nexus: "x" })), stop),
      /nexus/,
    );
  });
});
