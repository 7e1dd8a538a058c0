import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MAX_ARGUMENT_BYTES, type NexError } from "@nex/protocol";
import { buildStaticProgram, temporaryDirectory, type TemporaryDirectory, waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";

let directory: TemporaryDirectory;
let program: Buffer;

before(async () => {
  directory = await temporaryDirectory("nex-service-");
  const path = join(directory.path, "service");
  await buildStaticProgram(join(import.meta.dirname, "fixtures/service.c"), path);
  program = await readFile(path);
});
after(async () => await directory[Symbol.asyncDispose]());

const service = (...argv: string[]) => ({ name: "svc", kind: "elf", triggers: [], argv }) as const;

test("a service gets the deploy's environment and arguments, a private directory, no input, a group of its own", async () => {
  await using system = await TestSystem.start();
  const detail = await system.deploy(program, {
    ...service("tell", "me more"),
    env: { Name: "kept as it is", empty: "" },
  });
  assert.deepEqual([detail.kind, detail.state], ["elf", "running"]);
  await waitFor(() => system.told.logs.some(({ text }) => text === "ready"), { message: "its output" });
  const lines = system.told.logs.map(({ text }) => text);
  assert.deepEqual(
    lines.filter((text) => text.startsWith("variable ")),
    ["variable Name=kept as it is", "variable empty="],
  );
  assert.deepEqual(
    lines.filter((text) => text.startsWith("argument ")),
    ["argument tell", "argument me more"],
  );
  assert.ok(lines.some((text) => text.startsWith("directory ") && text.endsWith("/work")));
  for (const line of ["input 0", "leads its group 1"]) assert.ok(lines.includes(line), line);
});

test("what a service writes becomes records line by line, safe where it is not UTF-8", async () => {
  await using system = await TestSystem.start();
  await system.deploy(program, service("tell"));
  await waitFor(() => system.told.logs.some(({ stream }) => stream === "stderr"), { message: "its error output" });
  const record = system.told.logs.find(({ stream }) => stream === "stderr");
  assert.equal(record?.text, "not UTF-8: \ufffd\ufffd");
});

test("what a service writes without an end of line is seen while it runs", async () => {
  await using system = await TestSystem.start();
  await system.deploy(program, service("ask"));
  await waitFor(() => system.told.logs.some(({ text }) => text === "name? "), { message: "its question" });
});

test("a service that ends before it has stayed up is refused with its exit code and last lines", async () => {
  await using system = await TestSystem.start();
  await assert.rejects(system.deploy(program, service("exit", "3")), (error: NexError) => {
    assert.equal(error.code, "deploy_failed");
    assert.match(error.message, /exit code 3.*leaving/s);
    return true;
  });
});

test("a program that cannot run here is refused before anything of it runs", async () => {
  await using system = await TestSystem.start();
  const forArm = Buffer.from(program);
  forArm.writeUInt16LE(process.arch === "arm64" ? 62 : 183, 18);
  await assert.rejects(system.deploy(forArm, service("tell")), {
    code: "invalid_artifact",
    message: /is for .*Build it static/s,
  });
  assert.ok(!system.told.logs.some(({ text }) => text === "ready"));
});

test("a service that ends stays down, with its exit code, and can be stopped", async () => {
  await using system = await TestSystem.start();
  await system.deploy(program, service("exit", "7", "1500"));
  const workload = system.supervisor.get("default", "svc");
  await waitFor(() => workload.describe().state === "ended", { message: "its end" });
  assert.deepEqual(workload.describe().last_error, {
    code: "service_ended",
    message: "The service ended with exit code 7.",
  });
  assert.equal(workload.describe().restarts, 0);
  await system.supervisor.stop("default", "svc");
});

test("an essential service that ends again and again is in a crash loop, which shows", async () => {
  await using system = await TestSystem.start();
  await system.deploy(program, { ...service("exit", "1", "1200"), essential: true });
  const workload = system.supervisor.get("default", "svc");
  await waitFor(() => workload.describe().state === "crash_loop", { message: "its crash loop", timeoutMs: 120_000 });
  assert.ok(workload.describe().restarts > 5);
  assert.equal(workload.describe().last_error?.code, "service_ended");
  for (const type of ["workload_crashed", "workload_crash_loop"])
    assert.ok(system.told.events.some((event) => event.type === type));
});

test("a service that a signal ends is told by the signal's name", async () => {
  await using system = await TestSystem.start();
  await assert.rejects(system.deploy(program, service("crash")), { code: "deploy_failed", message: /SIGSEGV/ });
});

test("a service that ignores SIGTERM is killed after the grace", async () => {
  await using system = await TestSystem.start();
  await system.deploy(program, service("stubborn"));
  const [instance] = system.supervisor.get("default", "svc").instances;
  assert.equal(await instance!.stop(200), true);
});

// Only root can give a sandbox a user of its own, by which those are found that have left the group.
const isRoot = process.getuid?.() === 0;

test(`stopping a service ends its children too${isRoot ? ", also those that have left its group" : ""}`, async () => {
  await using system = await TestSystem.start();
  await system.deploy(program, service(isRoot ? "children" : "child"));
  await waitFor(() => system.told.logs.some(({ text }) => text === "ready"), { message: "its children" });
  await system.supervisor.stop("default", "svc");
  // Disposal fails if any process of the sandbox's user is left.
});

test("an argument that the kernel does not take is refused by name; the longest it takes arrives", async () => {
  await using system = await TestSystem.start();
  await assert.rejects(system.deploy(program, service("x".repeat(MAX_ARGUMENT_BYTES))), { code: "too_large" });
  const longest = "x".repeat(MAX_ARGUMENT_BYTES - 1);
  assert.equal((await system.deploy(program, service("tell", longest))).state, "running");
  await waitFor(() => system.told.logs.some(({ text }) => text.startsWith("argument xxx")));
});

test("a service is seen as starting until it has stayed up, and can be stopped by then", async () => {
  await using system = await TestSystem.start();
  const plan = { ...service("tell"), readyMs: 60_000 };
  const deploying = system.deploy(program, plan);
  const refused = assert.rejects(deploying, { code: "cancelled", message: /stopped while it was coming up/ });
  const starting = await waitFor(() => {
    const detail = system.supervisor.known("default")[0]?.describe();
    return detail?.instances.length === 1 ? detail : undefined;
  });
  assert.deepEqual([starting.name, starting.state, starting.instances[0]?.state], ["svc", "starting", "starting"]);
  assert.deepEqual(
    starting.revisions.map(({ revision, state }) => [revision, state]),
    [[1, "starting"]],
  );
  assert.deepEqual(system.supervisor.running(), []);
  await system.told.log("ready");
  await system.supervisor.stop("default", "svc");
  await refused;
  assert.deepEqual(system.supervisor.known(), []);
});

test("a service whose deploy was answered early counts as starting for the rest of its first second", async () => {
  await using system = await TestSystem.start();
  const detail = await system.deploy(program, { ...service("tell"), readyMs: 0 });
  assert.equal(detail.state, "starting");
  await waitFor(() => system.supervisor.get("default", "svc").describe().state === "running");
});
