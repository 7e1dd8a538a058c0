import assert from "node:assert/strict";
import { chmod, copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { findBubblewrap } from "../../src/bubblewrap/find-bubblewrap.ts";
import { chooseSandbox } from "../../src/registry.ts";
import { makeBubblewrapDriver, noBubblewrap, sandboxConfig } from "@nex/testing/sandboxes";

test("auto takes bubblewrap where it works", { skip: noBubblewrap }, async () => {
  const { driver, passedOver } = await chooseSandbox("auto", sandboxConfig());
  // Where a virtual machine works as well, that is stronger.
  const hasStronger = !passedOver.some((line) => line.startsWith("firecracker: "));
  assert.deepEqual([driver.name, driver.isBoundary], [hasStronger ? "firecracker" : "bubblewrap", true]);
  assert.ok(!passedOver.some((line) => line.startsWith("bubblewrap")));
});

test("a bubblewrap that cannot wall anything off is passed over, with what it said", async () => {
  await using directory = await temporaryDirectory();
  const program = join(directory.path, "bwrap");
  await writeFile(program, "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n");
  await chmod(program, 0o755);
  const reason = await makeBubblewrapDriver({ bubblewrap: program }).unavailable();
  assert.match(reason ?? "", /No permissions to create new namespace/);
  const { driver, passedOver } = await chooseSandbox("auto", sandboxConfig({ bubblewrap: program }));
  if (driver.name !== "firecracker") {
    assert.equal(driver.name, "process");
    assert.match(passedOver.at(-1) ?? "", /^bubblewrap: .*No permissions/);
  }
  await assert.rejects(chooseSandbox("bubblewrap", sandboxConfig({ bubblewrap: program })), {
    code: "sandbox_failed",
    message: /No permissions/,
  });
});

test("a bubblewrap that only its owner can reach works all the same", { skip: noBubblewrap }, async () => {
  const found = findBubblewrap(sandboxConfig().bubblewrap)!;
  await using directory = await temporaryDirectory();
  await chmod(directory.path, 0o700);
  const program = join(directory.path, "bwrap");
  await copyFile(found, program);
  assert.equal(await makeBubblewrapDriver({ bubblewrap: program }).unavailable(), undefined);
});

test("a machine without bubblewrap says how to install it", async () => {
  const before = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  try {
    const reason = await makeBubblewrapDriver({ bubblewrap: undefined }).unavailable();
    assert.match(reason ?? "", /apt-get install bubblewrap/);
    const misnamed = await makeBubblewrapDriver({ bubblewrap: "/nowhere/bwrap" }).unavailable();
    assert.match(misnamed ?? "", /^\/nowhere\/bwrap, which NEX_BUBBLEWRAP names, is no program/);
  } finally {
    process.env["PATH"] = before;
  }
});
