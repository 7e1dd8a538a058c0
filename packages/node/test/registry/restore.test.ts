import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { type DeployRequest, SigningKey, type WorkloadDetail } from "@nex/protocol";
import { buildStaticProgram, startNatsServer, temporaryDirectory, waitFor } from "@nex/testing";
import {
  deployFunction,
  type FunctionDeploy,
  sha256,
  upload,
  signChange,
  undeployRequest,
} from "../control-api/support/deploys.ts";
import { type Reply, RunningNode } from "../control-api/support/running-node.ts";
import { RestartingNode } from "../support/restarting-node.ts";

const issuer = SigningKey.create("account");

/** Answers with a text and what it has in its environment. */
const SAY = (text: string): string =>
  `export default (event, { env }) => ${JSON.stringify(text)} + (env.SECRET ?? "");`;

async function deployed(running: RunningNode, deploy: FunctionDeploy): Promise<Reply> {
  const reply = await deployFunction(running, { issuer, ...deploy });
  assert.equal(reply.error, undefined);
  return reply;
}

async function workloads(running: RunningNode): Promise<readonly WorkloadDetail[]> {
  return (await running.ask("$NEX.WORKLOADS.default", {})).data.workloads as WorkloadDetail[];
}

async function workload(running: RunningNode, name: string): Promise<WorkloadDetail> {
  const found = (await workloads(running)).find((each) => each.name === name);
  assert.ok(found, `${name} is not listed`);
  return found;
}

/** Waits until a workload is in a state, and returns what is told of it. */
async function whenIn(running: RunningNode, name: string, state: string): Promise<WorkloadDetail> {
  return await waitFor(
    async () => {
      const detail = await workload(running, name);
      return detail.state === state ? detail : undefined;
    },
    { message: `${name} to be ${state}`, timeoutMs: 20_000 },
  );
}

async function ask(running: RunningNode, subject: string): Promise<string> {
  const reply = await running.client.request(subject, "", { timeout: 20_000 });
  assert.equal(reply.headers?.hasError ?? false, false, reply.string());
  return reply.string();
}

async function bucketOf(running: RunningNode): Promise<KV> {
  return await new Kvm(jetstream(running.client)).open("nex_nexus");
}

async function keysIn(running: RunningNode): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of await (await bucketOf(running)).keys()) keys.push(key);
  return keys.sort();
}

describe("a node that keeps its state, started again", () => {
  it("is the same node, and runs what was deployed, with revision, environment, triggers and limits", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { source: SAY("one ") });
    const request = { trigger_subjects: ["fn", "more.*"], max_in_flight: 3, deadline_ms: 7000, tags: { team: "a" } };
    await deployed(first, { source: SAY("two "), env: { SECRET: "sealed" }, request });
    await deployed(first, { name: "other", source: SAY("other ") });
    const [id, key] = [first.node.id, await first.exchangeKey()];

    const second = await fleet.start();
    assert.equal(second.node.id, id);
    assert.equal(await second.exchangeKey(), key);
    const detail = await whenIn(second, "fn", "running");
    assert.equal(await ask(second, "more.of.it".slice(0, 7)), "two sealed");
    assert.equal(await ask(second, "fn"), "two sealed");
    const { revision, revisions, max_in_flight, deadline_ms, tags, wanted } = detail;
    assert.deepEqual(
      [revision, revisions.map((each) => each.revision), max_in_flight, deadline_ms, tags, wanted],
      [2, [2, 1], 3, 7000, { team: "a" }, "running"],
    );
    await whenIn(second, "other", "running");
    assert.equal(await ask(second, "other"), "other ");
  });

  it("goes back to revisions from before, and goes on counting them", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { source: SAY("one") });
    await deployed(first, { source: SAY("two") });
    const second = await fleet.start();
    await whenIn(second, "fn", "running");
    const hash = sha256(SAY("one"));
    const rollback = signChange(second, { name: "fn", revision: 1 }, { action: "rollback", hash }, issuer);
    assert.equal((await second.ask(`$NEX.ROLLBACK.default.${second.node.id}`, rollback)).error, undefined);
    assert.equal(await ask(second, "fn"), "one");

    const third = await fleet.start();
    assert.equal((await whenIn(third, "fn", "running")).revision, 1);
    assert.equal(await ask(third, "fn"), "one");
    const { data } = await deployed(third, { source: SAY("three") });
    assert.equal(data.revision, 3);
  });

  it("keeps records of the five newest revisions", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    for (let number = 1; number <= 7; number++) await deployed(first, { source: SAY(String(number)) });
    const revisions = async (): Promise<string[]> => (await keysIn(first)).filter((key) => key.startsWith("revision."));
    const kept = await waitFor(async () => {
      const found = await revisions();
      return found.length === 5 ? found : undefined;
    });
    assert.deepEqual(
      kept.map((key) => key.split(".").at(-1)),
      ["3", "4", "5", "6", "7"],
    );
    const second = await fleet.start();
    const { revisions: told } = await whenIn(second, "fn", "running");
    assert.deepEqual(
      told.map(({ revision }) => revision),
      [7, 6, 5, 4, 3],
    );
  });

  it("does not run again what was stopped, and has no record of it left", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { name: "gone" });
    await deployed(first, { name: "kept" });
    const reply = await first.ask(
      `$NEX.UNDEPLOY.default.${first.node.id}`,
      undeployRequest(first, { name: "gone" }, issuer),
    );
    assert.equal(reply.error, undefined);
    assert.deepEqual(await keysIn(first), [
      "nexus",
      "revision.default.kept.1",
      "slot.default.kept.0",
      "workload.default.kept",
    ]);
    const second = await fleet.start();
    await whenIn(second, "kept", "running");
    assert.deepEqual(
      (await workloads(second)).map(({ name }) => name),
      ["kept"],
    );
  });

  it("takes a deploy of the same name while it brings the old one back", async () => {
    await using fleet = await RestartingNode.make();
    await deployed(await fleet.start(), { source: SAY("old") });
    const second = await fleet.start();
    const { data } = await deployed(second, { source: SAY("new") });
    assert.equal(data.revision, 2);
    assert.equal(await ask(second, "fn"), "new");
    assert.equal((await workload(second, "fn")).state, "running");
  });

  it("remembers how often a workload has been restarted", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { source: `export default (event) => event.text() === "die" ? process.exit(1) : "alive";` });
    await first.client.request("fn", "die", { timeout: 20_000 });
    await waitFor(async () => (await workload(first, "fn")).restarts === 1);
    assert.equal(await ask(first, "fn"), "alive");
    const second = await fleet.start();
    await whenIn(second, "fn", "running");
    assert.equal((await workload(second, "fn")).restarts, 1);
  });

  it("does not start a service again that had ended by itself, and forgets it", async () => {
    await using fleet = await RestartingNode.make();
    await using directory = await temporaryDirectory();
    const source = join(directory.path, "job.c");
    await writeFile(source, "#include <unistd.h>\nint main(void) { return sleep(2); }\n");
    await buildStaticProgram(source, join(directory.path, "job"));
    const first = await fleet.start();
    const job = await readFile(join(directory.path, "job"));
    const request = { type: "native", kind: "elf", trigger_subjects: [] };
    await deployed(first, { name: "job", source: job, claims: { kind: "elf" }, request });
    await deployed(first, { name: "kept" });
    const ended = await whenIn(first, "job", "ended");
    assert.equal(ended.wanted, "stopped");
    const second = await fleet.start();
    await whenIn(second, "kept", "running");
    assert.deepEqual(
      (await workloads(second)).map(({ name }) => name),
      ["kept"],
    );
    await waitFor(async () => !(await keysIn(second)).some((key) => key.includes("job")));
  });

  it("leaves no consumer on the server", async () => {
    await using fleet = await RestartingNode.make();
    await deployed(await fleet.start(), {});
    const second = await fleet.start();
    await whenIn(second, "fn", "running");
    const manager = await jetstreamManager(second.client);
    const { state } = await manager.streams.info("KV_nex_nexus");
    assert.equal(state.consumer_count, 0);
  });
});

describe("what cannot run again", () => {
  it("is kept with the reason when a subject is denied now, and holds nothing else back", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { name: "denied" });
    await deployed(first, { name: "fine" });
    const second = await fleet.start({ deny_subjects: ["denied"] });
    await whenIn(second, "fine", "running");
    const detail = await whenIn(second, "denied", "failed");
    assert.deepEqual([detail.last_error?.code, detail.wanted, detail.revision], ["subject_denied", "running", 1]);
    assert.ok(second.warnings.some((line) => /default\/denied should run here and does not now/.test(line)));
    await fleet.end();
    // Once it is allowed again, it runs again.
    const third = await fleet.start();
    await whenIn(third, "denied", "running");
  });

  it("says so when the key that opened its environment is gone, and can be stopped or deployed anew", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { name: "one", env: { SECRET: "x" } });
    await deployed(first, { name: "two", env: { SECRET: "x" } });
    await fleet.end();
    await rm(join(fleet.state, "exchange.seed"));
    const second = await fleet.start();
    const failed = await whenIn(second, "one", "failed");
    assert.equal(failed.last_error?.code, "environment_sealed_wrong");
    const stop = undeployRequest(second, { name: "one" }, issuer);
    assert.equal((await second.ask(`$NEX.UNDEPLOY.default.${second.node.id}`, stop)).error, undefined);
    const { data } = await deployed(second, { name: "two", source: SAY("anew") });
    assert.equal(data.revision, 2);
    assert.deepEqual(
      (await workloads(second)).map(({ name, state }) => [name, state]),
      [["two", "running"]],
    );
  });

  it("is tried again until its artifact is back", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { source: SAY("back") });
    await (await new Objm(jetstream(first.client)).open("nex_artifacts")).delete(sha256(SAY("back")));
    const second = await fleet.start();
    const failed = await whenIn(second, "fn", "failed");
    assert.equal(failed.last_error?.code, "artifact_missing");
    await upload(second.client, SAY("back"));
    await whenIn(second, "fn", "running");
    assert.equal(await ask(second, "fn"), "back");
  });

  it("is told of when its record is damaged, altered or of a newer release, and the record is left alone", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    for (const name of ["damaged", "altered", "newer", "fine"]) await deployed(first, { name });
    const bucket = await bucketOf(first);
    await bucket.put("revision.default.damaged.1", '{"v":1,"request":');
    const slot = (await bucket.get("slot.default.newer.0"))!.json<Record<string, unknown>>();
    await bucket.put("slot.default.newer.0", JSON.stringify({ ...slot, v: 2 }));
    const revision = (await bucket.get("revision.default.altered.1"))!.json<{ request: DeployRequest }>();
    const altered = { ...revision, request: { ...revision.request, trigger_subjects: ["stolen"] } };
    await bucket.put("revision.default.altered.1", JSON.stringify(altered));

    const second = await fleet.start();
    await whenIn(second, "fine", "running");
    const detail = await whenIn(second, "altered", "failed");
    assert.equal(detail.last_error?.code, "claims_mismatch");
    assert.deepEqual(
      (await workloads(second)).map(({ name }) => name),
      ["altered", "damaged", "fine", "newer"],
    );
    for (const name of ["damaged", "newer"]) {
      const { state, last_error } = await workload(second, name);
      assert.deepEqual([state, last_error?.code], ["failed", "record_unreadable"], name);
    }
    await assert.rejects(second.client.request("stolen", "", { timeout: 2000 }), /no responders/i);
    for (const what of [/revision\.default\.damaged\.1.*no JSON/, /slot\.default\.newer.*newer release/])
      assert.ok(
        second.warnings.some((line) => what.test(line)),
        String(what),
      );
    const keys = await keysIn(second);
    assert.ok(keys.includes("revision.default.damaged.1") && keys.includes("slot.default.newer.0"));
  });

  it("does not run under another name than it was signed for", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { name: "mine" });
    const bucket = await bucketOf(first);
    for (const key of ["revision.default.%.1", "slot.default.%.0", "workload.default.%"]) {
      const record = await bucket.get(key.replace("%", "mine"));
      await bucket.put(key.replace("%", "yours"), record!.value);
    }
    const second = await fleet.start();
    await whenIn(second, "mine", "running");
    assert.equal((await whenIn(second, "yours", "failed")).last_error?.code, "claims_mismatch");
  });
});

describe("the records of a nexus", () => {
  it("belong to an issuer, on whichever node it deploys", async () => {
    await using fleet = await RestartingNode.make();
    await using other = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, {});
    await using second = await RunningNode.start({
      nats: fleet.nats,
      config: { state_directory: other.state },
      nexusKey: await fleet.nexusKey(),
    });
    const stranger = await deployFunction(second, { issuer: SigningKey.create("account") });
    assert.equal(stranger.code, "issuer_not_allowed");
    assert.match(stranger.error ?? "", /belongs to another issuer/);
    const { data } = await deployed(second, { source: SAY("again") });
    assert.equal(data.revision, 2, "numbers are the nexus's");
  });

  it("are written again when the server comes back with an empty store, and the workloads run on", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { source: `export default () => String(process.pid);` });
    const pid = await ask(first, "fn");
    const { port } = fleet.nats;
    await fleet.nats.stop();
    await using _again = await startNatsServer({ port, jetstream: true });
    await waitFor(async () => (await keysIn(first).catch(() => [])).length === 4, {
      message: "the records to be written again",
      timeoutMs: 20_000,
    });
    assert.equal(await ask(first, "fn"), pid);
  });

  it("are the new workload's when its name is deployed again right after a stop without JetStream", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, { source: SAY("one") });
    // Nothing can be written, and nothing purged, while a stream of this name has other subjects.
    const manager = await jetstreamManager(first.client);
    await manager.streams.delete("KV_nex_nexus");
    await manager.streams.add({ name: "KV_nex_nexus", subjects: ["elsewhere"], deny_purge: true });
    const stop = undeployRequest(first, {}, issuer);
    assert.equal((await first.ask(`$NEX.UNDEPLOY.default.${first.node.id}`, stop)).error, undefined);
    const refused = await deployFunction(first, { issuer, source: SAY("two") });
    assert.equal(refused.code, "jetstream_unavailable");
    assert.deepEqual(await workloads(first), []);
    await manager.streams.delete("KV_nex_nexus");
    await deployed(first, { source: SAY("two") });
    const second = await fleet.start();
    await whenIn(second, "fn", "running");
    assert.equal(await ask(second, "fn"), "two");
  });

  it("are taken away after a stop that came while the bucket was gone", async () => {
    await using fleet = await RestartingNode.make();
    const first = await fleet.start();
    await deployed(first, {});
    const manager = await jetstreamManager(first.client);
    await manager.streams.delete("KV_nex_nexus");
    const reply = await first.ask(`$NEX.UNDEPLOY.default.${first.node.id}`, undeployRequest(first, {}, issuer));
    assert.equal(reply.error, undefined);
    const second = await fleet.start();
    assert.deepEqual(await workloads(second), []);
  });
});
