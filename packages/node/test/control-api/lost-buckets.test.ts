import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { controlSubjects, type UndeployRequest } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { ArtifactStore } from "../../src/artifacts/artifact-store.ts";
import {
  deployFunction,
  deployRequest,
  deploySubject,
  ECHO,
  sha256,
  signChange,
  undeployRequest,
  upload,
} from "./support/deploys.ts";
import { type Reply, RunningNode } from "./support/running-node.ts";

const CLAIMS_STREAM = "KV_nex_claims";

describe("a bucket of used claims that was deleted", () => {
  it("is made again by the next deploy, stop or rollback, and what was used stays used", async () => {
    await using running = await RunningNode.start();
    const manager = await jetstreamManager(running.client);
    const first = await deployRequest(running);
    await upload(running.client, ECHO);
    assert.equal((await running.ask(deploySubject(running), first)).error, undefined);

    await manager.streams.delete(CLAIMS_STREAM);
    assert.equal((await running.ask(deploySubject(running), first)).code, "claims_replayed");
    assert.equal((await deployFunction(running)).error, undefined);
    assert.ok(await manager.streams.info(CLAIMS_STREAM));

    await manager.streams.delete(CLAIMS_STREAM);
    assert.equal((await rollback(running)).error, undefined);

    await manager.streams.delete(CLAIMS_STREAM);
    const request = undeployRequest(running);
    assert.equal((await stop(running, request)).error, undefined);
    // The stop does not wait for its record for long.
    await waitFor(async () => (await manager.streams.info(CLAIMS_STREAM)).state.messages === 1, { timeoutMs: 30_000 });
    await deployFunction(running);
    assert.equal((await stop(running, request)).code, "claims_replayed");
  });
});

describe("while JetStream takes no writes", () => {
  it("a stop goes ahead, once for its claims, and a deploy is refused with the reason", async () => {
    await using running = await RunningNode.start();
    await deployFunction(running, { name: "one" });
    await deployFunction(running, { name: "two" });
    const manager = await jetstreamManager(running.client);
    await manager.streams.update(CLAIMS_STREAM, { sealed: true } as Partial<StreamConfig>);

    assert.equal((await deployFunction(running, { name: "three" })).code, "jetstream_unavailable");
    assert.equal((await stop(running, undeployRequest(running, { name: "one" }))).error, undefined);
    assert.match(running.warnings.join("\n"), /could not be written: .* The stop went ahead/);
    const both = undeployRequest(running, { name: "two" });
    const replies = await Promise.all([both, both].map(async (each) => await stop(running, each)));
    assert.equal(replies.filter(({ error }) => error === undefined).length, 1);
  });
});

describe("an artifact store that was deleted", () => {
  it("is made again by whoever reads or keeps an artifact next", async () => {
    await using running = await RunningNode.start({ config: { pool: { size: 0 } } });
    const manager = await jetstreamManager(running.client);
    const store = new ArtifactStore(running.client);
    await store.open();
    const path = join(running.directory, "artifact");
    await writeFile(path, ECHO);

    await manager.streams.delete("OBJ_nex_artifacts");
    await store.keep(sha256(ECHO), path);
    const [chunk] = await Array.fromAsync(store.read({ bucket: "nex_artifacts", name: sha256(ECHO) }));
    assert.equal(Buffer.from(chunk!).toString(), ECHO);

    await manager.streams.delete("OBJ_nex_artifacts");
    const reading = Array.fromAsync(store.read({ bucket: "nex_artifacts", name: sha256(ECHO) }));
    await assert.rejects(reading, { code: "artifact_missing" });
    await manager.streams.delete("OBJ_nex_artifacts");
    assert.equal(await store.collect(new Set(), 0), 0);
  });
});

async function stop(running: RunningNode, request: UndeployRequest): Promise<Reply> {
  return await running.ask(`$NEX.UNDEPLOY.default.${running.node.id}`, request);
}

async function rollback(running: RunningNode): Promise<Reply> {
  const request = signChange(running, { name: "fn" }, { action: "rollback", hash: sha256(ECHO) });
  return await running.ask(controlSubjects.rollback("default", running.node.id), request);
}
