import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { stripSymbols } from "../src/rootfs/strip-symbols.ts";

describe("a program without its symbols", () => {
  it("is smaller by a tenth at least and runs as before, more than once stripped too", async () => {
    await using directory = await temporaryDirectory();
    const whole = readFileSync(process.execPath);
    const stripped = stripSymbols(whole);
    assert.ok(stripped.length < 0.9 * whole.length, `${stripped.length} of ${whole.length}`);
    assert.deepEqual(stripSymbols(stripped), stripped);
    const program = join(directory.path, "node");
    writeFileSync(program, stripped);
    chmodSync(program, 0o755);
    const { stdout, stderr } = spawnSync(
      program,
      ["-p", "crypto.hash('sha256', 'a') + Intl.NumberFormat('de').format(1e6)"],
      {
        encoding: "utf8",
      },
    );
    assert.equal(stdout, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb1.000.000\n", stderr);
  });

  it("is left as it is, if it is no such program", () => {
    const elf32 = readFileSync(process.execPath).subarray(0, 4096);
    elf32[4] = 1;
    for (const other of [Buffer.alloc(0), Buffer.from("#!/bin/sh\n"), Buffer.from("\x7fELF"), elf32])
      assert.equal(stripSymbols(other), other);
  });
});
