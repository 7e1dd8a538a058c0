import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isNexError } from "@nex/protocol";
import { requireTools, run } from "../src/tools.ts";

describe("tools of a build", () => {
  it("that are missing are all named at once, with the command that installs them", () => {
    assert.throws(
      () => requireTools(["debugfs", "mkfs.ext4", "xz"], ["/nowhere"]),
      (error) => {
        assert.ok(isNexError(error) && error.code === "missing_tool");
        assert.match(error.message, /without debugfs, mkfs\.ext4, xz\./);
        assert.match(error.message, /apt-get install --yes --no-install-recommends e2fsprogs xz-utils$/);
        return true;
      },
    );
  });

  it("cannot be installed where there is no apt", () => {
    assert.throws(
      () => requireTools(["apt-get"], ["/nowhere"]),
      (error) => isNexError(error) && error.code === "missing_tool" && /Debian/.test(error.message),
    );
  });

  it("that fail are quoted", async () => {
    await assert.rejects(
      run("sh", ["-c", "echo no space >&2; exit 3"]),
      (error) => isNexError(error) && error.code === "image_failed" && error.message === "sh failed: no space",
    );
  });

  it("end when the build is stopped", async () => {
    await assert.rejects(
      run("sleep", ["60"], { signal: AbortSignal.timeout(50) }),
      (error) => isNexError(error) && error.code === "cancelled",
    );
  });
});
