import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { buildCli, nex } from "./support/built-cli.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

interface Report {
  readonly sandbox?: string;
  readonly sandboxes: readonly { name: string; usable: boolean; is_boundary: boolean; checks: readonly Check[] }[];
  readonly checks: readonly Check[];
}

before(buildCli);

test("nex node preflight looks at every sandbox, strongest first, and says what auto takes", async () => {
  await using home = await temporaryDirectory();
  const ran = await nex(["node", "preflight", "--json"], { env: { HOME: home.path }, cwd: home.path });
  const report = JSON.parse(ran.stdout) as Report;
  assert.deepEqual(
    report.sandboxes.map(({ name }) => name),
    ["firecracker", "qemu", "bubblewrap", "process"],
  );
  for (const { name, usable, checks } of report.sandboxes)
    assert.equal(
      usable,
      checks.every(({ ok }) => ok),
      `${name}: ${JSON.stringify(checks)}`,
    );
  // QEMU is for those who name it.
  const strongest = report.sandboxes.find(({ name, usable }) => usable && name !== "qemu");
  assert.equal(report.sandbox, strongest?.name);
  assert.equal(ran.exit, strongest === undefined ? 1 : 0);
  // There is no image in this home, so no machine can be started, and how to get one is said.
  const image = report.sandboxes[0]!.checks.find(({ name }) => name === "image");
  assert.equal(image?.ok, false);
  assert.equal(image.remedy, "nex image build");
});

test("nex node preflight looks where the node's config says", async () => {
  await using home = await temporaryDirectory();
  const config = { image_directory: "/nowhere", firecracker: { binary: "/nowhere/firecracker" } };
  await writeFile(join(home.path, "node.json"), JSON.stringify(config));
  const ran = await nex(["node", "preflight", "--config", "node.json"], { env: { HOME: home.path }, cwd: home.path });
  assert.match(ran.stdout, /There is no image of a machine in \/nowhere/);
  assert.match(ran.stdout, /\/nowhere\/firecracker is not a firecracker that can be run/);
  assert.match(ran.stdout, /^auto takes: /m);
});

test("nex node preflight refuses a config it cannot read", async () => {
  await using home = await temporaryDirectory();
  const ran = await nex(["node", "preflight", "--config", "none.json"], { env: { HOME: home.path }, cwd: home.path });
  assert.equal(ran.exit, 3);
  assert.match(ran.stderr, /none\.json cannot be read/);
});
