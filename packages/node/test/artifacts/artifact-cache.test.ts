import assert from "node:assert/strict";
import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { startNatsServer, temporaryDirectory, type TemporaryDirectory, type TestNats } from "@nex/testing";
import { ArtifactCache } from "../../src/artifacts/artifact-cache.ts";
import { ArtifactStore, type ObjectPlace } from "../../src/artifacts/artifact-store.ts";
import { bucketOf, sha256, upload } from "../control-api/support/deploys.ts";
import { namesIn } from "../control-api/support/running-node.ts";

const HOUR_MS = 3_600_000;

describe("the artifact cache", () => {
  let nats: TestNats;
  let client: NatsConnection;
  let directory: TemporaryDirectory;
  let cache: ArtifactCache;
  before(async () => {
    nats = await startNatsServer({ jetstream: true });
    client = await connect({ servers: nats.url });
  });
  after(async () => {
    await client.close();
    await nats.stop();
  });
  beforeEach(async () => {
    directory = await temporaryDirectory();
    cache = new ArtifactCache(directory.path, new ArtifactStore(client));
  });
  afterEach(async () => await directory[Symbol.asyncDispose]());

  const place = (name: string): ObjectPlace => ({ bucket: "nex_artifacts", name });
  const put = async (text: string): Promise<string> => await upload(client, text);
  const makeOld = async (name: string): Promise<void> => {
    const longAgo = new Date(Date.now() - 2 * HOUR_MS);
    await utimes(join(directory.path, name), longAgo, longAgo);
  };

  it("fetches what was signed", async () => {
    const hash = await put("signed");
    const { sha256: found, size, path } = await cache.fetch(hash, place(hash));
    assert.deepEqual([found, size, await readFile(path, "utf8")], [hash, 6, "signed"]);
  });

  it("lets only its owner read it", async () => {
    const hash = await put("private");
    assert.equal((await stat((await cache.fetch(hash, place(hash))).path)).mode & 0o777, 0o600);
  });

  it("needs no transfer for what it has", async () => {
    const hash = await put("twice");
    await cache.fetch(hash, place(hash));
    assert.equal((await cache.fetch(hash, place("nowhere"))).sha256, hash);
  });

  it("fetches again what lies in it with other bytes", async () => {
    const hash = await put("right");
    await writeFile(join(directory.path, hash), "wrong");
    assert.equal(await readFile((await cache.fetch(hash, place(hash))).path, "utf8"), "right");
  });

  it("refuses other bytes than were signed, and leaves what it has", async () => {
    const [victim, wanted] = [await put("victim"), sha256("never uploaded")];
    const { path } = await cache.fetch(victim, place(victim));
    await assert.rejects(cache.fetch(wanted, place(victim)), { code: "artifact_corrupt" });
    assert.equal(await readFile(path, "utf8"), "victim");
    assert.deepEqual(await namesIn(directory.path), [victim]);
  });

  it("fetches the same once for all who ask at one time", async () => {
    const hash = await put("shared");
    const [one, two] = await Promise.all([cache.fetch(hash, place(hash)), cache.fetch(hash, place(hash))]);
    assert.equal(one, two);
  });

  it("does not let one who names a wrong place fail another", async () => {
    const hash = await put("contested");
    const [wrong, right] = await Promise.allSettled([
      cache.fetch(hash, place("nowhere")),
      cache.fetch(hash, place(hash)),
    ]);
    assert.deepEqual([wrong?.status, right?.status], ["rejected", "fulfilled"]);
  });

  it("puts back into the object store what was removed there and is still needed", async () => {
    const hash = await put("needed");
    await cache.fetch(hash, place(hash));
    await (await bucketOf(client, "nex_artifacts")).delete(hash);
    await cache.putBack(new Set([hash, "0".repeat(64)]));
    const elsewhere = new ArtifactCache(join(directory.path, "other"), new ArtifactStore(client));
    assert.equal(await readFile((await elsewhere.fetch(hash, place(hash))).path, "utf8"), "needed");
  });

  it("finds out the hash where none was signed", async () => {
    await upload(client, "unsigned", { bucket: "NEXCLIFILES", name: "file" });
    const { sha256: found } = await cache.fetchUnsigned({ bucket: "NEXCLIFILES", name: "file" });
    assert.equal(found, sha256("unsigned"));
  });

  it("leaves nothing of a transfer that failed", async () => {
    await bucketOf(client, "nex_artifacts");
    await assert.rejects(cache.fetch(sha256("missing"), place("missing")), { code: "artifact_missing" });
    assert.deepEqual(await namesIn(directory.path), []);
  });

  it("removes what was not used for long, and unfinished transfers of nodes that died", async () => {
    const [old, young] = [await put("old"), await put("young")];
    for (const hash of [old, young]) await cache.fetch(hash, place(hash));
    await writeFile(join(directory.path, ".unfinished"), "half");
    for (const name of [old, ".unfinished"]) await makeOld(name);
    await cache.prune(new Set(), HOUR_MS);
    assert.deepEqual(await namesIn(directory.path), [young]);
  });

  it("keeps what is needed, for other nodes to see too", async () => {
    const hash = await put("in use");
    await cache.fetch(hash, place(hash));
    await makeOld(hash);
    await cache.prune(new Set([hash]), HOUR_MS);
    await new ArtifactCache(directory.path, new ArtifactStore(client)).prune(new Set(), HOUR_MS);
    assert.deepEqual(await namesIn(directory.path), [hash]);
  });
});
