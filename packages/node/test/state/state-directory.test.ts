import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { loadIdentity } from "../../src/state/identity.ts";
import { StateDirectory } from "../../src/state/state-directory.ts";

test("a node with a state directory is the same each time, and its keys are its user's alone", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "deep", "state");
  const once = async (): Promise<string> => {
    using state = await StateDirectory.open(path);
    const { nodeId, exchangeKey } = await loadIdentity({
      nexus: "nexus",
      nexusKey: undefined,
      nexusKeyFile: undefined,
      state,
    });
    return `${nodeId} ${exchangeKey.publicKey}`;
  };
  assert.equal(await once(), await once());
  for (const name of ["node.seed", "exchange.seed"])
    assert.equal((await stat(join(path, name))).mode & 0o777, 0o600, name);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test("keys that others can read are refused, with the command that helps", async () => {
  await using directory = await temporaryDirectory();
  using state = await StateDirectory.open(directory.path);
  await loadIdentity({ nexus: "nexus", nexusKey: undefined, nexusKeyFile: undefined, state });
  const file = join(directory.path, "node.seed");
  await chmod(file, 0o640);
  await assert.rejects(loadIdentity({ nexus: "nexus", nexusKey: undefined, nexusKeyFile: undefined, state }), {
    code: "state_unusable",
    message: /chmod 600/,
  });
});

test("a damaged key is refused, and left as it is", async () => {
  await using directory = await temporaryDirectory();
  using state = await StateDirectory.open(directory.path);
  const file = join(directory.path, "node.seed");
  await writeFile(file, "SNnonsense", { mode: 0o600 });
  await assert.rejects(loadIdentity({ nexus: "nexus", nexusKey: undefined, nexusKeyFile: undefined, state }), {
    code: "invalid_request",
  });
  assert.equal(await readFile(file, "utf8"), "SNnonsense");
});

test("two nodes do not share a state directory", async () => {
  await using directory = await temporaryDirectory();
  using _first = await StateDirectory.open(directory.path);
  await assert.rejects(StateDirectory.open(directory.path), { code: "already_running", message: /--state-directory/ });
});

test("a place where no directory can be made says so", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "file");
  await writeFile(file, "");
  await assert.rejects(StateDirectory.open(join(file, "state")), { code: "state_unusable", message: /cannot be used/ });
});

const cannotMount = process.getuid?.() === 0 ? false : "only root can mount a file system that is full";

test("a state directory on a full disk says so, and leaves no part of a key", { skip: cannotMount }, async () => {
  await using directory = await temporaryDirectory();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k", "tmpfs", directory.path]);
  try {
    using state = await StateDirectory.open(directory.path);
    await writeFile(join(directory.path, "else"), Buffer.alloc(4096)).catch(() => undefined);
    const loading = loadIdentity({ nexus: "nexus", nexusKey: undefined, nexusKeyFile: undefined, state });
    await assert.rejects(loading, { code: "state_unusable", message: /node\.seed cannot be read or written: ENOSPC/ });
    assert.deepEqual(
      (await readdir(directory.path)).filter((name) => name.startsWith("node")),
      [],
    );
  } finally {
    execFileSync("umount", ["-l", directory.path]);
  }
});

test("a state directory on a file system that cannot be written says so", { skip: cannotMount }, async () => {
  await using directory = await temporaryDirectory();
  execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", directory.path]);
  try {
    await assert.rejects(StateDirectory.open(directory.path), {
      code: "state_unusable",
      message: /cannot be used: .*(?:EROFS|read-only)/i,
    });
  } finally {
    execFileSync("umount", ["-l", directory.path]);
  }
});
