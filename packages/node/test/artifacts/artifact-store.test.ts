import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { NexError } from "@nex/protocol";
import { startNatsServer, temporaryDirectory, type TestNats } from "@nex/testing";
import {
  ArtifactStore,
  type ArtifactStoreOptions,
  type ObjectPlace,
  quotaError,
} from "../../src/artifacts/artifact-store.ts";
import { bucketOf, sha256, upload } from "../control-api/support/deploys.ts";

describe("the artifact store", () => {
  let nats: TestNats;
  let client: NatsConnection;
  before(async () => {
    nats = await startNatsServer({ jetstream: true });
    client = await connect({ servers: nats.url });
  });
  after(async () => {
    await client.close();
    await nats.stop();
  });

  const readAll = async (
    place: ObjectPlace,
    options: ArtifactStoreOptions = {},
    signal?: AbortSignal,
  ): Promise<Buffer> => Buffer.concat(await Array.fromAsync(new ArtifactStore(client, options).read(place, signal)));
  const refuses = async (code: string, place: ObjectPlace, options?: ArtifactStoreOptions): Promise<void> =>
    await assert.rejects(readAll(place, options), (error: NexError) => {
      assert.equal(error.code, code, error.message);
      return true;
    });

  it("reads what was put, of many chunks and of none", async () => {
    for (const bytes of [randomBytes(1_000_000), Buffer.alloc(0)]) {
      const name = await upload(client, bytes, { bucket: "files" });
      assert.deepEqual(await readAll({ bucket: "files", name }), bytes);
    }
  });

  it("leaves no consumer behind, whether an object was read, given up on or listed", async () => {
    const manager = await jetstreamManager(client);
    const consumers = async (stream: string): Promise<number> =>
      (await manager.streams.info(stream)).state.consumer_count;
    const name = await upload(client, randomBytes(10_000_000), { bucket: "files" });
    const there = await consumers("OBJ_files");
    assert.equal((await readAll({ bucket: "files", name })).length, 10_000_000);
    for await (const chunk of new ArtifactStore(client).read({ bucket: "files", name })) if (chunk.length > 0) break;
    await refuses("artifact_missing", await withoutParts("emptied"), { chunkTimeoutMs: 100 });
    assert.equal(await consumers("OBJ_files"), there);
    const store = new ArtifactStore(client);
    await store.collect(new Set(), 60_000);
    assert.equal(await consumers("OBJ_nex_artifacts"), 0);
  });

  it("refuses objects and buckets that are not there", async () => {
    await bucketOf(client, "files");
    await refuses("artifact_missing", { bucket: "files", name: "nothing" });
    await refuses("artifact_missing", { bucket: "nowhere", name: "nothing" });
  });

  it("refuses an object that was deleted", async () => {
    const name = await upload(client, "short-lived", { bucket: "files" });
    await (await bucketOf(client, "files")).delete(name);
    await refuses("artifact_missing", { bucket: "files", name });
  });

  it("refuses an object above the limit", async () => {
    const name = await upload(client, "x".repeat(1001), { bucket: "files" });
    await refuses("too_large", { bucket: "files", name }, { maxArtifactBytes: 1000 });
  });

  it("refuses an object whose writer lied about its size", async () => {
    const name = "liar";
    await upload(client, "x".repeat(5000), { bucket: "files", name });
    const manager = await jetstreamManager(client);
    const subject = `$O.files.M.${Buffer.from(name).toString("base64url")}`;
    const meta = (await manager.streams.getMessage("OBJ_files", { last_by_subj: subject }))?.json<object>();
    await client.request(subject, JSON.stringify({ ...meta, size: 10 }));
    await refuses("too_large", { bucket: "files", name }, { maxArtifactBytes: 1000 });
  });

  it("follows no links, which lead to buckets nobody allowed", async () => {
    await upload(client, "treasure", { bucket: "secret", name: "s" });
    const secret = await bucketOf(client, "secret");
    const files = await bucketOf(client, "files");
    await files.link("link", (await secret.info("s"))!);
    await files.linkStore("linked-store", secret);
    await refuses("not_allowed", { bucket: "files", name: "link" });
    await refuses("not_allowed", { bucket: "files", name: "linked-store" });
  });

  it("refuses an object whose bytes were changed", async () => {
    const name = "changed";
    await upload(client, "before", { bucket: "files", name });
    const { nuid } = (await (await bucketOf(client, "files")).info(name))!;
    const manager = await jetstreamManager(client);
    await manager.streams.purge("OBJ_files", { filter: `$O.files.C.${nuid}` });
    await client.request(`$O.files.C.${nuid}`, "after!");
    await refuses("artifact_corrupt", { bucket: "files", name });
  });

  const withoutParts = async (name: string): Promise<ObjectPlace> => {
    await upload(client, name, { bucket: "files", name });
    const { nuid } = (await (await bucketOf(client, "files")).info(name))!;
    await (await jetstreamManager(client)).streams.purge("OBJ_files", { filter: `$O.files.C.${nuid}` });
    return { bucket: "files", name };
  };

  it("gives up on an object whose parts are gone", async () => {
    await refuses("artifact_missing", await withoutParts("hollow"), { chunkTimeoutMs: 100 });
  });

  it("gives up at once when it is told to", async () => {
    const place = await withoutParts("abandoned");
    await assert.rejects(readAll(place, {}, AbortSignal.abort(new Error("enough"))), /enough/);
  });

  it("keeps a file under its hash, once", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFile(path, "kept");
    const store = new ArtifactStore(client);
    await store.keep(sha256("kept"), path);
    await store.keep(sha256("kept"), path);
    assert.equal((await readAll({ bucket: "nex_artifacts", name: sha256("kept") })).toString(), "kept");
  });

  it("collects old artifacts that nobody needs, and no others", async () => {
    const store = new ArtifactStore(client);
    await store.open();
    const [needed, unneeded] = [await upload(client, "needed"), await upload(client, "unneeded")];
    assert.equal(await store.collect(new Set([needed]), 60_000), 0);
    assert.ok((await store.collect(new Set([needed]), -1)) >= 1);
    const objects = await bucketOf(client, "nex_artifacts");
    assert.deepEqual([(await objects.info(needed))?.deleted, (await objects.info(unneeded))?.deleted], [false, true]);
  });
});

describe("the quota of the artifact store", () => {
  it("refuses what does not fit, and says what to do", async () => {
    await using nats = await startNatsServer({ jetstream: true });
    await using client = await connect({ servers: nats.url });
    await using directory = await temporaryDirectory();
    const store = new ArtifactStore(client, { maxBytes: 100_000 });
    const path = join(directory.path, "file");
    await writeFile(path, randomBytes(200_000));
    await store.open();
    await assert.rejects(store.keep("a".repeat(64), path), (error: NexError) => {
      assert.equal(error.code, "artifact_quota", error.message);
      assert.match(error.message, /97\.7 KiB.*artifacts\.max_bytes/s);
      return true;
    });
  });

  it("is told apart from other failures of a client's upload", async () => {
    await using nats = await startNatsServer({ jetstream: true });
    await using client = await connect({ servers: nats.url });
    await new ArtifactStore(client, { maxBytes: 100_000 }).open();
    const failure = await upload(client, randomBytes(200_000)).catch((error: unknown) => error);
    assert.equal(quotaError(failure).code, "artifact_quota");
    assert.equal(quotaError(new Error("other")).code, "internal");
  });
});
