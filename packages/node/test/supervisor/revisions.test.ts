import assert from "node:assert/strict";
import { test } from "node:test";
import { isNexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

const SAY = (text: string): string => `export default async () => { await null; return ${JSON.stringify(text)}; };`;

/** Sends requests one after another on many lanes until it is stopped, and keeps every answer. */
class Load {
  readonly answers: string[] = [];
  #stopped = false;
  readonly #lanes: Promise<void>[];

  constructor(system: TestSystem, subject: string, lanes = 8) {
    this.#lanes = Array.from({ length: lanes }, async () => {
      while (!this.#stopped) {
        const reply = await system.request(subject).catch((error: Error) => error);
        if (reply instanceof Error) this.answers.push(reply.message);
        else this.answers.push(outcome(reply) === "ok" ? reply.string() : outcome(reply));
      }
    });
  }

  async reach(text: string): Promise<void> {
    await waitFor(() => this.answers.at(-1) === text, { message: `"${text}" as the last answer` });
  }

  async stop(): Promise<Set<string>> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    return new Set(this.answers);
  }
}

test("a second deploy takes over under load without losing or failing a message", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  await system.deploy(SAY("one"));
  const load = new Load(system, "fn");
  await load.reach("one");
  const second = await system.deploy(SAY("two"));
  assert.equal(second.revision, 2);
  await load.reach("two");
  const third = await system.deploy(SAY("three"), { replicas: 2 });
  assert.equal(third.instances.length, 2);
  await load.reach("three");
  assert.deepEqual(await load.stop(), new Set(["one", "two", "three"]));
  assert.equal(load.answers.lastIndexOf("one") < load.answers.indexOf("three"), true);
});

test("the old revision finishes what it has begun", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default async () => { await new Promise((done) => setTimeout(done, 800)); return "old"; };`,
  );
  const begun = system.request("fn");
  await waitFor(() => system.supervisor.get("default", "fn").describe().invocations.in_flight === 1);
  await system.deploy(SAY("new"));
  assert.equal((await begun).string(), "old");
  assert.equal((await system.request("fn")).string(), "new");
});

test("a new revision that fails to come up leaves the old one untouched", async () => {
  await using system = await TestSystem.start();
  const before = await system.deploy(SAY("one"));
  const load = new Load(system, "fn");
  await load.reach("one");
  const broken = ["export default 5;", "syntax error here", `throw new Error("at load"); export default () => 1;`];
  for (const source of broken) {
    await assert.rejects(
      system.deploy(source, { replicas: 2 }),
      (error) => isNexError(error) && error.code === "invalid_artifact",
    );
  }
  const wrong = system.deploy("process.exit(1); export default () => 1;");
  await assert.rejects(wrong, (error) => isNexError(error) && error.code === "sandbox_failed");
  const after = system.supervisor.get("default", "fn").describe();
  assert.equal(after.revision, 1);
  assert.deepEqual(
    after.instances.map(({ id, state }) => ({ id, state })),
    before.instances.map(({ id }) => ({ id, state: "running" })),
  );
  assert.deepEqual(await load.stop(), new Set(["one"]));
});

test("a first deploy that fails leaves no workload, and the next one starts from the beginning", async () => {
  await using system = await TestSystem.start();
  await assert.rejects(
    system.deploy("export default 5;"),
    (error) => isNexError(error) && error.code === "invalid_artifact",
  );
  assert.deepEqual(system.supervisor.running(), []);
  assert.throws(() => system.supervisor.get("default", "fn"), /no workload "fn"/);
  assert.equal((await system.deploy(SAY("one"))).revision, 1);
});

test("of two first deploys of one name at once the good one stays, whichever comes first", async () => {
  await using system = await TestSystem.start();
  const [bad, good] = await Promise.allSettled([system.deploy("export default 5;"), system.deploy(SAY("good"))]);
  assert.deepEqual([bad.status, good.status], ["rejected", "fulfilled"]);
  assert.equal(system.supervisor.get("default", "fn").describe().state, "running");
  assert.equal((await system.request("fn")).string(), "good");
  await system.supervisor.stop("default", "fn");
  await assert.rejects(system.client.request("fn", "", { timeout: 5000 }), /no responders/i);
});

test("rollback brings back an earlier revision without losing a message", async () => {
  await using system = await TestSystem.start();
  await system.deploy(SAY("one"));
  await system.deploy(SAY("two"));
  const load = new Load(system, "fn");
  await load.reach("two");
  const detail = await system.supervisor.rollback("default", "fn", 1);
  assert.equal(detail.revision, 1);
  await load.reach("one");
  assert.deepEqual(await load.stop(), new Set(["one", "two"]));
  await system.told.event("workload_rolled_back");
  await assert.rejects(
    system.supervisor.rollback("default", "fn", 7),
    (error) => isNexError(error) && error.code === "revision_not_found",
  );
  // The next deploy counts on from the highest, not from the one that runs.
  assert.equal((await system.deploy(SAY("three"))).revision, 3);
});

test("a stop under load answers every message or has no responders, and never hangs", async () => {
  await using system = await TestSystem.start();
  await system.deploy(SAY("one"), { maxInFlight: 2 });
  const load = new Load(system, "fn", 16);
  await load.reach("one");
  await system.supervisor.stop("default", "fn");
  await load.reach("no responders: 'fn'");
  const answers = await load.stop();
  assert.deepEqual(answers, new Set(["one", "no responders: 'fn'"]));
  assert.deepEqual(await system.subscriptions(), []);
  await system.told.event("workload_stopped");
});

test("stopping the last instance by its id removes the workload", async () => {
  await using system = await TestSystem.start();
  const { instances } = await system.deploy(SAY("one"), { replicas: 2 });
  for (const { id } of instances) {
    await system.supervisor.stopInstance(system.supervisor.findByInstance(id)!, id);
    assert.equal(system.supervisor.findByInstance(id), undefined);
  }
  assert.equal(system.supervisor.instanceCount, 0);
  assert.throws(() => system.supervisor.get("default", "fn"), /no workload/);
});

test("what waits behind a stop is refused, and a supervisor that has closed takes nothing", async () => {
  await using system = await TestSystem.start();
  await system.deploy(SAY("one"));
  await system.deploy(SAY("two"));
  const stop = system.supervisor.stop("default", "fn");
  const refused = (error: unknown): boolean => isNexError(error) && error.code === "workload_not_found";
  await assert.rejects(system.supervisor.rollback("default", "fn", 1), refused);
  await stop;
  await system.supervisor.close();
  await assert.rejects(system.deploy(SAY("late")), (error) => isNexError(error) && error.code === "no_sandbox");
});
