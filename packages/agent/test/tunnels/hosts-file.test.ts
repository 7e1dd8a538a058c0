import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseDestination } from "@nex/protocol";
import { temporaryDirectory } from "@nex/testing";
import { loopbackAddresses } from "../../src/tunnels/addresses.ts";
import { addToHostsFile } from "../../src/tunnels/hosts-file.ts";

const addresses = (...hosts: string[]) => loopbackAddresses(hosts.map((host) => parseDestination(`${host}:80`)));

/** What a hosts file becomes. */
async function written(before: string | undefined, ...hosts: string[]): Promise<string> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "hosts");
  if (before !== undefined) await writeFile(path, before);
  await addToHostsFile(path, addresses(...hosts));
  return await readFile(path, "utf8");
}

describe("Destinations have loopback addresses", () => {
  it("of their own for each name, so that two may have one port", () => {
    assert.deepEqual(
      [...addresses("a", "b", "a", "c.example")],
      [
        ["a", "127.0.1.1"],
        ["b", "127.0.1.2"],
        ["c.example", "127.0.1.3"],
      ],
    );
  });

  it("that are what they are where the destination is loopback", () => {
    assert.deepEqual(
      [...addresses("localhost", "127.0.0.1", "127.0.1.1", "db")],
      [
        ["localhost", "127.0.0.1"],
        ["127.0.0.1", "127.0.0.1"],
        ["127.0.1.1", "127.0.1.1"],
        ["db", "127.0.1.2"],
      ],
    );
  });

  it("that stay loopback addresses however many there are", () => {
    const all = [...addresses(...Array.from({ length: 600 }, (_, index) => `n${index}`)).values()];
    assert.equal(new Set(all).size, 600);
    for (const address of all) assert.match(address, /^127\.0\.[1-3]\.([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])$/);
  });
});

describe("The hosts file of a sandbox", () => {
  it("keeps what is in it", async () => {
    const before = "# mine\n127.0.0.1\tlocalhost\n::1\tip6-localhost ip6-loopback\n";
    assert.equal(await written(before, "db", "cache"), `${before}127.0.1.1\tdb\n127.0.1.2\tcache\n`);
  });

  it("is made where there is none", async () => {
    assert.equal(await written(undefined, "db"), "127.0.1.1\tdb\n");
  });

  it("gets a last line that is whole before another is added", async () => {
    assert.equal(await written("127.0.0.1 localhost", "db"), "127.0.0.1 localhost\n127.0.1.1\tdb\n");
  });

  it("has localhost stand for 127.0.0.1 alone when that is a destination", async () => {
    assert.equal(
      await written("127.0.0.1 localhost\n::1 localhost ip6-localhost\n", "localhost"),
      "127.0.0.1 localhost\n::1\tip6-localhost\n",
    );
    assert.equal(await written("::1 localhost\n", "localhost"), "127.0.0.1\tlocalhost\n");
  });

  it("has a destination's name stand for no other address", async () => {
    assert.equal(await written("10.0.0.5 DB db.lan # old\n", "db"), "10.0.0.5\tdb.lan\n127.0.1.1\tdb\n");
  });

  it("is left alone when only addresses are connected to", async () => {
    await using directory = await temporaryDirectory();
    await addToHostsFile(join(directory.path, "none"), addresses("127.0.0.1"));
    await assert.rejects(stat(join(directory.path, "none")));
  });

  it("is written in place", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "hosts");
    await writeFile(path, "127.0.0.1 localhost\n");
    const { ino } = await stat(path);
    await addToHostsFile(path, addresses("db"));
    assert.equal((await stat(path)).ino, ino);
  });
});
