import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { headers as newHeaders } from "@nats-io/transport-node";
import { ARTIFACT_BUCKET, SigningKey } from "@nex/protocol";
import { temporaryDirectory } from "@nex/testing";
import type { Artifact, DeployStage, NexClient } from "../../src/index.ts";
import { expectNexError } from "../support/expect-nex-error.ts";
import { source, TestSystem } from "../support/system.ts";

describe("deploy", () => {
  let system: TestSystem;
  let nex: NexClient;
  let nodeId: string;

  before(async () => {
    system = await TestSystem.start();
    nodeId = (await system.node()).id;
    nex = await system.client();
  });
  after(async () => await system[Symbol.asyncDispose]());

  it("runs a function, which answers", async () => {
    const deployed = await nex.workloads.deploy({
      name: "greeter",
      kind: "javascript",
      artifact: source("(event) => `Hello, ${event.text()}!`"),
      triggers: ["greet"],
    });
    const [instance] = deployed.instances;
    assert.ok(instance !== undefined);
    assert.deepEqual(
      { ...deployed, instances: [{ node_id: instance.node_id, state: instance.state }] },
      {
        name: "greeter",
        namespace: "default",
        kind: "javascript",
        revision: 1,
        state: "running",
        instances: [{ node_id: nodeId, state: "running" }],
      },
    );
    const { data, subject } = await nex.workloads.trigger("greeter", { data: "Ada" });
    assert.equal(new TextDecoder().decode(data), "Hello, Ada!");
    assert.equal(subject, "greet");
  });

  it("passes every option on", async () => {
    await nex.workloads.deploy({
      name: "options",
      kind: "javascript",
      artifact: source("(event, ctx) => ctx.env.GREETING"),
      triggers: ["options.*", "options.all.>"],
      env: { GREETING: "Grüß Gott" },
      argv: ["--fast"],
      description: "Greets",
      replicas: 2,
      tags: { team: "north" },
      deadlineMs: 1234,
      maxInFlight: 3,
      maxWaiting: 7,
      connect: [],
      hostServices: { without: ["http"], kvMaxBytes: 4096, objectStoreMaxBytes: 8192 },
      allowAllSubjects: false,
    });
    const detail = await nex.workloads.get("options");
    assert.equal(detail.instances.length, 2);
    assert.deepEqual(detail.triggers, ["options.*", "options.all.>"]);
    assert.deepEqual(detail.tags, { team: "north" });
    assert.equal(detail.description, "Greets");
    assert.equal(detail.deadline_ms, 1234);
    assert.equal(detail.max_in_flight, 3);
    const { data } = await nex.workloads.trigger("options", { subject: "options.x" });
    assert.equal(new TextDecoder().decode(data), "Grüß Gott");
  });

  it("is refused what is more than the node gives", async () => {
    const deploy = { name: "more", kind: "javascript", artifact: source("() => 1"), triggers: ["more"] } as const;
    await expectNexError(
      "unsupported_limit",
      nex.workloads.deploy({ ...deploy, hostServices: { kvMaxBytes: 2 ** 40 } }),
    );
    await expectNexError("http_denied", nex.workloads.deploy({ ...deploy, hostServices: { httpAllow: ["10.0.0.1"] } }));
  });

  it("uploads nothing that the node would not take", async () => {
    await using own = await TestSystem.start();
    const strict = await own.node({ artifacts: { max_artifact_bytes: 1000 } });
    const client = await own.client();
    const stages: string[] = [];
    const error = await expectNexError(
      "too_large",
      client.workloads.deploy({
        name: "large",
        kind: "javascript",
        artifact: source(`() => "${"x".repeat(1000)}"`),
        triggers: ["large"],
        onProgress: (stage) => stages.push(stage),
      }),
    );
    assert.match(error.message, new RegExp(`${strict.id} takes at most 1000 B`));
    assert.equal(stages.includes("upload"), false);
  });

  it("makes the next revision of what runs already", async () => {
    const deploy = async (version: string): Promise<number> => {
      const artifact = source(`() => "${version}"`);
      return (await nex.workloads.deploy({ name: "twice", kind: "javascript", artifact, triggers: ["twice"] }))
        .revision;
    };
    assert.deepEqual([await deploy("one"), await deploy("two")], [1, 2]);
    const { data } = await nex.workloads.trigger("twice");
    assert.equal(new TextDecoder().decode(data), "two");
  });

  it("takes files and blobs, tells how far it is, and uploads nothing twice", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "function.js");
    const bytes = source(`() => "${"x".repeat(400_000)}".length`);
    await writeFile(path, bytes);
    const size = bytes.length;
    const deploy = async (artifact: Artifact): Promise<[DeployStage, number, number][]> => {
      const steps: [DeployStage, number, number][] = [];
      await nex.workloads.deploy({
        name: "large",
        kind: "javascript",
        artifact,
        triggers: ["large"],
        onProgress: (...step) => steps.push(step),
      });
      const { data } = await nex.workloads.trigger("large");
      assert.equal(new TextDecoder().decode(data), "400000");
      return steps;
    };
    const bytesDone = (stage: DeployStage, ...counts: number[]): unknown[] => counts.map((done) => [stage, done, size]);
    const hash = bytesDone("hash", 131_072, 262_144, 393_216, size);
    const place = [0, 1].map((done) => ["place", done, 1]);
    const run = [0, 1].map((done) => ["deploy", done, 1]);
    const upload = bytesDone("upload", 131_072, 262_144, 393_216, size);
    assert.deepEqual(await deploy({ path }), [...hash, ...place, ...upload, ...run]);
    for (const artifact of [bytes, new Blob([new Uint8Array(bytes)])]) {
      assert.deepEqual(await deploy(artifact), [...hash, ...place, ...bytesDone("upload", size), ...run]);
    }
  });

  it("uploads again what is cleaned up between the look and the deploy", async () => {
    const connection = await system.connection();
    const client = await system.client({ connection });
    const artifact = source("() => 'cleaned up'");
    const hash = createHash("sha256").update(artifact).digest("hex");
    let deploys = 0;
    connection.subscribe("$NEX.DEPLOY.>", { callback: () => void deploys++ });
    // As the library's own delete does it, but before the next message of this connection.
    const remove = (): void => {
      const headers = newHeaders();
      headers.set("Nats-Rollup", "sub");
      const meta = { name: hash, bucket: ARTIFACT_BUCKET, nuid: "none", size: 0, chunks: 0, digest: "", deleted: true };
      // Padded, and 64 hex digits make neither "+" nor "/".
      const name = Buffer.from(hash).toString("base64");
      connection.publish(`$O.${ARTIFACT_BUCKET}.M.${name}`, JSON.stringify(meta), { headers });
    };
    await client.workloads.deploy({
      name: "cleaned",
      kind: "javascript",
      artifact,
      triggers: ["cleaned"],
      onProgress: (stage, done) => {
        if (stage === "deploy" && done === 0) remove();
      },
    });
    assert.equal(deploys, 2);
    const { data } = await client.workloads.trigger("cleaned");
    assert.equal(new TextDecoder().decode(data), "cleaned up");
  });

  it("says what is wrong with a function, from the node", async () => {
    const options = { name: "broken", kind: "javascript", triggers: ["broken"] } as const;
    const error = await expectNexError(
      "invalid_artifact",
      nex.workloads.deploy({ ...options, artifact: source("(((") }),
    );
    assert.match(error.message, /\S/);
    await expectNexError("workload_not_found", nex.workloads.get("broken"));
  });

  it("refuses what cannot be meant before it asks or uploads anything", async () => {
    const good = { name: "never", kind: "javascript", artifact: source("() => 1"), triggers: ["never"] } as const;
    const deploy = nex.workloads.deploy.bind(nex.workloads);
    await expectNexError("invalid_name", deploy({ ...good, name: "a b" }));
    await expectNexError("invalid_subject", deploy({ ...good, triggers: ["a..b"] }));
    await expectNexError("invalid_subject", deploy({ ...good, triggers: [">"] }));
    await expectNexError("subject_denied", deploy({ ...good, triggers: ["$SYS.x"] }));
    await expectNexError("invalid_request", deploy({ ...good, replicas: 0 }));
    await expectNexError("invalid_request", deploy({ ...good, env: { "A=B": "" } }));
    await expectNexError("file_not_found", deploy({ ...good, artifact: { path: "/nowhere/at/all.js" } }));
    await expectNexError("file_not_found", deploy({ ...good, artifact: { path: "/" } }));
    await expectNexError("workload_not_found", nex.workloads.get("never"));
  });

  it("leaves the node's refusals as they are", async () => {
    const options = { name: "service", kind: "javascript", artifact: source("() => 1") } as const;
    await expectNexError("invalid_request", nex.workloads.deploy(options));
    await expectNexError(
      "unsupported_limit",
      nex.workloads.deploy({ ...options, triggers: ["s"], memoryBytes: 2 ** 27 }),
    );
    const stranger = await system.client({ issuer: SigningKey.create("account") });
    await nex.workloads.deploy({ ...options, name: "mine", triggers: ["mine"] });
    await expectNexError(
      "issuer_not_allowed",
      stranger.workloads.deploy({ ...options, name: "mine", triggers: ["mine"] }),
    );
    await expectNexError("issuer_not_allowed", stranger.workloads.stop("mine"));
  });

  it("can be given up", async () => {
    const deploy = async (signal: AbortSignal, onProgress?: (stage: string) => void): Promise<unknown> =>
      await nex.workloads.deploy({
        name: "given-up",
        kind: "javascript",
        artifact: source("() => 1 // given up"),
        triggers: ["given-up"],
        signal,
        ...(onProgress === undefined ? {} : { onProgress }),
      });
    await expectNexError("cancelled", deploy(AbortSignal.abort()));
    for (const at of ["place", "upload", "deploy"]) {
      const abort = new AbortController();
      const deploying = deploy(abort.signal, (stage) => {
        if (stage === at) abort.abort();
      });
      await expectNexError("cancelled", deploying);
    }
  });
});
