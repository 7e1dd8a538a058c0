import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { agreeOnVersion, LINK_VERSION } from "@nex/link";

describe("The link's version", () => {
  it("is the lower minor of two with the same major", () => {
    assert.equal(agreeOnVersion("1.4", "1.7"), "1.4");
    assert.equal(agreeOnVersion("1.7", "1.4"), "1.4");
    assert.equal(agreeOnVersion("1.10", "1.9"), "1.9");
    assert.equal(agreeOnVersion(LINK_VERSION), LINK_VERSION);
  });

  it("is refused when the major differs, in either direction", () => {
    for (const [theirs, ours] of [
      ["2.0", "1.0"],
      ["1.0", "2.0"],
      ["0.9", "1.0"],
    ] as const) {
      assert.throws(() => agreeOnVersion(theirs, ours), { code: "link_version", data: { theirs, ours } });
    }
  });

  it("is refused when it is not two numbers", () => {
    for (const junk of [
      "",
      "1",
      "1.",
      ".1",
      "1.0.0",
      "v1.0",
      "1.0 ",
      "１.0",
      "1.-1",
      "1e3.0",
      "9999999.0",
      "x".repeat(32),
    ]) {
      assert.throws(() => agreeOnVersion(junk), { code: "link_version" }, JSON.stringify(junk));
    }
  });
});
