import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Objm, type ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { temporaryDirectory } from "@nex/testing";
import { ARTIFACT_BUCKET } from "@nex/protocol";
import { openArtifactBucket } from "../../src/artifacts/artifact-bucket.ts";
import { type ArtifactSource, openArtifact } from "../../src/artifacts/artifact-source.ts";
import { hashArtifact, uploadArtifact } from "../../src/artifacts/upload.ts";
import { expectNexError } from "../support/expect-nex-error.ts";
import { TestSystem } from "../support/system.ts";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function nothing(): void {
  // Nobody wants to know.
}

describe("upload", () => {
  let system: TestSystem;
  let connection: NatsConnection;
  let store: ObjectStore;

  before(async () => {
    system = await TestSystem.start();
    connection = await system.connection();
    store = await openArtifactBucket(connection);
  });
  after(async () => await system[Symbol.asyncDispose]());

  const upload = async (source: ArtifactSource, hash: string, signal?: AbortSignal): Promise<void> =>
    await uploadArtifact(connection, source, hash, nothing, signal);

  it("stores every size under its hash", async () => {
    for (const size of [0, 1, 131_071, 131_072, 131_073, 1_000_000]) {
      const bytes = new Uint8Array(size).fill(7);
      const source = await openArtifact(bytes);
      const hash = await hashArtifact(source, nothing, undefined);
      assert.equal(hash, sha256(bytes));
      await upload(source, hash);
      const stored = (await store.getBlob(hash)) ?? new Uint8Array();
      assert.equal(sha256(stored), hash);
    }
  });

  it("replaces what lies under the hash but is something else, or was deleted", async () => {
    const bytes = new TextEncoder().encode("the real one");
    const source = await openArtifact(bytes);
    const hash = sha256(bytes);
    await store.putBlob({ name: hash }, new TextEncoder().encode("another"));
    await upload(source, hash);
    assert.deepEqual(Buffer.from((await store.getBlob(hash))!), Buffer.from(bytes));
    await store.delete(hash);
    await upload(source, hash);
    assert.deepEqual(Buffer.from((await store.getBlob(hash))!), Buffer.from(bytes));
  });

  it("notices a file that changes meanwhile, and leaves no wrong artifact", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "changing");
    await writeFile(path, "before");
    const source = await openArtifact({ path });
    const hash = await hashArtifact(source, nothing, undefined);
    await appendFile(path, " and after");
    const error = await expectNexError("artifact_corrupt", upload(source, hash));
    assert.ok(error.message.includes(path));
    assert.equal(await store.get(hash), null);
  });

  it("closes the file and takes back what it has stored when it is given up", async () => {
    const abort = new AbortController();
    let open = 0;
    const source: ArtifactSource = {
      size: 10 * 131_072,
      label: "endless",
      async *chunks() {
        open++;
        try {
          for (let count = 0; count < 10; count++) {
            if (count === 5) abort.abort();
            yield new Uint8Array(131_072);
          }
        } finally {
          open--;
        }
      },
    };
    const { size } = await store.status();
    await expectNexError("cancelled", upload(source, "f".repeat(64), abort.signal));
    assert.equal(open, 0);
    assert.equal((await store.status()).size, size);
  });

  it("says when the store is full", async () => {
    await using full = await TestSystem.start();
    const other = await full.connection();
    await new Objm(other).create(ARTIFACT_BUCKET, { max_bytes: 200_000 });
    const source = await openArtifact(new Uint8Array(400_000));
    const uploading = uploadArtifact(other, source, "0".repeat(64), nothing, undefined);
    const error = await expectNexError("artifact_quota", uploading);
    assert.match(error.message, /Stop workloads/);
  });

  it("says when JetStream is off", async () => {
    await using plain = await TestSystem.start({ jetstream: false });
    const other = await plain.connection();
    const error = await expectNexError("jetstream_unavailable", openArtifactBucket(other));
    assert.match(error.message, /-js/);
  });
});
