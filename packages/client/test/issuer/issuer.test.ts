import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { ExchangeKey, SigningKey } from "@nex/protocol";
import { temporaryDirectory } from "@nex/testing";
import { defaultIssuerPath, loadOrCreateIssuer } from "../../src/index.ts";
import { expectNexError } from "../support/expect-nex-error.ts";

describe("loadOrCreateIssuer", () => {
  it("makes an account key for the user alone, and finds it again", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "config", "nex", "issuer.nk");
    const made = await loadOrCreateIssuer(path);
    assert.match(made.publicKey, /^A/);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
    assert.equal((await readFile(path, "utf8")).trim(), made.seed);
    assert.equal((await loadOrCreateIssuer(path)).publicKey, made.publicKey);
    assert.deepEqual(await readdir(dirname(path)), ["issuer.nk"]);
  });

  it("gives one key to all who ask at once", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "nex", "issuer.nk");
    const keys = await Promise.all(Array.from({ length: 20 }, async () => await loadOrCreateIssuer(path)));
    assert.equal(new Set(keys.map((key) => key.publicKey)).size, 1);
    assert.deepEqual(await readdir(dirname(path)), ["issuer.nk"]);
  });

  it("reads a key of 0.2.7, which has no line end, and changes nothing", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "issuer.nk");
    const { seed, publicKey } = SigningKey.create("account");
    await writeFile(path, seed);
    await chmod(path, 0o770);
    assert.equal((await loadOrCreateIssuer(path)).publicKey, publicKey);
    assert.equal(await readFile(path, "utf8"), seed);
  });

  it("says which file is wrong, never what is in it, and overwrites none", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "issuer.nk");
    for (const text of ["", "SAnot-a-seed", ExchangeKey.create().seed]) {
      await writeFile(path, text);
      const error = await expectNexError("invalid_request", loadOrCreateIssuer(path));
      assert.ok(error.message.includes(path));
      if (text !== "") assert.ok(!error.message.includes(text));
      assert.equal(await readFile(path, "utf8"), text);
    }
    await expectNexError("file_not_found", loadOrCreateIssuer(directory.path));
    await expectNexError("file_not_found", loadOrCreateIssuer(join(path, "below-a-file", "issuer.nk")));
  });
});

describe("defaultIssuerPath", () => {
  it("lies below XDG_CONFIG_HOME or ~/.config; relative paths do not count", () => {
    assert.equal(defaultIssuerPath({ HOME: "/none", XDG_CONFIG_HOME: "/c" }), "/c/nex/issuer.nk");
    for (const named of [undefined, "", "relative"]) {
      assert.equal(defaultIssuerPath({ HOME: "/none", XDG_CONFIG_HOME: named }), "/none/.config/nex/issuer.nk");
    }
  });

  it("is 0.2.7's where there is one and none of ours", async () => {
    await using home = await temporaryDirectory();
    const legacy = join(home.path, ".nex", "issuer.nk");
    const own = join(home.path, ".config", "nex", "issuer.nk");
    assert.equal(defaultIssuerPath({ HOME: home.path }), own);
    await mkdir(dirname(legacy));
    await writeFile(legacy, "");
    assert.equal(defaultIssuerPath({ HOME: home.path }), legacy);
    await loadOrCreateIssuer(own);
    assert.equal(defaultIssuerPath({ HOME: home.path }), own);
  });
});
