import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { legacyClaimsId } from "../../src/control/claims-id.ts";

describe("0.2.7's claims id", () => {
  it("is the one the Go library computes", () => {
    const id = legacyClaimsId({
      iat: 1795421431,
      iss: "AAD7JVSRVWVBTIBT5EG3BZEVHC4NT5ZDNVENGY7LNEAUVKORAYZXCJPH",
      sub: "echoservice",
    });
    assert.equal(id, "4DL2BMRYE46DU5YH2QFRJLCUYL2U4JTZK2QHZGCJ5TV2YYFVLDLQ");
  });

  it("leaves out what is empty, and does not depend on the order given", () => {
    assert.equal(legacyClaimsId({ sub: "w", iat: 1, exp: 0, aud: "" }), legacyClaimsId({ iat: 1, sub: "w" }));
  });

  it("is the same for two deploys of one name in one second: why ours are random", () => {
    assert.equal(legacyClaimsId({ iat: 1, iss: "A", sub: "w" }), legacyClaimsId({ iat: 1, iss: "A", sub: "w" }));
  });
});
