import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { z } from "zod";
import { type NewClaims, decodeClaims, signClaims } from "../../src/control/claims.ts";
import {
  checkRequestDigest,
  parseSignedRequest,
  requestDigest,
  signRequest,
} from "../../src/control/signed-request.ts";
import { encodeMessage } from "../../src/control/messages/parse.ts";
import { messageObject } from "../../src/control/messages/shape.ts";
import { SigningKey } from "../../src/keys/signing-key.ts";
import { throwsCode } from "../expect-nex-error.ts";

const issuer = SigningKey.create("account");
const claims: NewClaims = {
  name: "orders",
  action: "deploy",
  namespace: "default",
  nexus: "nexus",
  expiresAt: Date.now() + 60_000,
};
const schema = messageObject({ workload_jwt: z.string() });

describe("a digest of a request", () => {
  it("covers every field and value, whatever their order and spacing on the wire, but for the claims", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (body, key, value) => {
        const wire = JSON.stringify(Object.fromEntries(Object.entries(body).toReversed()), null, 3);
        const sent: unknown = JSON.parse(JSON.stringify(body));
        assert.equal(requestDigest(JSON.parse(wire)), requestDigest(sent));
        const changed: unknown = JSON.parse(JSON.stringify({ ...body, [key]: value }));
        const same = key === "workload_jwt" || isDeepStrictEqual(changed, sent);
        assert.equal(requestDigest(changed) === requestDigest(sent), same);
      }),
    );
  });

  it("has the form that its version says", () => {
    // SHA-256 of {"a":[1,true,null,"ü"],"b":{"c":0.5,"d":1e+21}}, reckoned with another program.
    const body = { b: { d: 1e21, c: 0.5, e: undefined }, workload_jwt: "x", a: [1, true, null, "ü"] };
    assert.equal(requestDigest(body), "v1.39Rn5EKRzWjBaWQ9zZP1RemmdI1EHfXFPRyIIvELzng");
  });

  it("is checked against the whole message, also what its schema does not know", () => {
    const request = signRequest(issuer, claims, { trigger_subjects: ["a"], of_a_newer_release: { x: 1 } });
    const { request: known, body } = parseSignedRequest(schema, encodeMessage(request));
    const decoded = decodeClaims(known.workload_jwt);
    checkRequestDigest(decoded, body);
    for (const change of [{ trigger_subjects: ["a", "b"] }, { of_a_newer_release: {} }, { argv: ["x"] }, { ARGV: [] }])
      throwsCode("claims_mismatch", () => checkRequestDigest(decoded, { ...(body as object), ...change }));
  });

  it("of another version, or none, is refused", () => {
    for (const digest of [undefined, "v2.abc", "", requestDigest({}).slice(3)]) {
      const decoded = decodeClaims(signClaims(issuer, digest === undefined ? claims : { ...claims, digest }));
      throwsCode("claims_mismatch", () => checkRequestDigest(decoded, {}));
    }
  });
});
