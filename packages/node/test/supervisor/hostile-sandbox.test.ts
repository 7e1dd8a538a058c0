import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { isNexError, type NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { hostileAgent } from "../support/hostile-agent.ts";
import { TestSystem } from "../support/system.ts";

const ECHO = "export default (event) => event.bytes();";

/** An honest function in the same node process, to see how the node bears what the other one does. */
async function startNeighbour(): Promise<TestSystem> {
  const neighbour = await TestSystem.start();
  await neighbour.deploy(ECHO, { name: "echo" });
  return neighbour;
}

/** Median of a hundred round trips, ms. */
async function latency(system: TestSystem): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 100; run++) {
    const start = performance.now();
    assert.equal((await system.request("echo", "x")).string(), "x");
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[50]!;
}

/** Far from what it is in peace (about 0.3), near to what still serves. */
const USABLE_MS = 100;

async function failure(work: Promise<unknown>): Promise<NexError> {
  try {
    await work;
  } catch (error) {
    assert.ok(isNexError(error), String(error));
    return error;
  }
  return assert.fail("It did not fail.");
}

test("junk frames end their link and nothing else", async () => {
  await using neighbour = await startNeighbour();
  for (const junk of [
    `require("node:crypto").randomBytes(65536)`,
    `Buffer.alloc(65536)`,
    `frame(TYPE.call, METHOD.runnerToken, 7, "null").fill(255, 0, 4)`,
    `frame(TYPE.notify, METHOD.logs, 0, "{".repeat(1000))`,
    `frame(TYPE.notify, METHOD.event, 0, { type: "runner_ended", reason: "x".repeat(5000), exit_code: 0, signal: null })`,
    `Buffer.concat([frame(TYPE.call, 2, 9, "{}"), frame(99, 0, 0)])`,
  ]) {
    await using agent = await hostileAgent(`await greet(); ready(); onCall = () => agent.write(${junk});`);
    await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
    const { code } = await failure(hostile.deploy(ECHO));
    assert.match(code, /^(link_protocol|link_closed|sandbox_failed)$/, junk);
    assert.ok((await latency(neighbour)) < USABLE_MS);
  }
});

test("a token works once and only in its role; what is refused is reported", async () => {
  await using agent = await hostileAgent(`
    await greet();
    const other = dial();
    other.write(hello(token, "agent"));
    console.log("again:", (await other.next()).body);
    const given = await askToken();
    const third = dial();
    third.write(hello(given, "agent"));
    console.log("role:", (await third.next()).body);
    const fourth = dial();
    fourth.write(hello("guess", "runner"));
    console.log("guess:", (await fourth.next()).body);
    ready();
    onCall = (method, id) => agent.write(frame(TYPE.reply, 0, id, { concurrency: "many" }));`);
  await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
  const error = await failure(hostile.deploy(ECHO));
  assert.equal(error.code, "link_protocol");
  assert.match(error.message, /no runner has said hello/);
  for (const attempt of ["again:", "role:", "guess:"]) {
    assert.match((await hostile.told.log(attempt)).text, /"code":"link_token"/);
  }
  await waitFor(() => hostile.told.logs.filter(({ text }) => text.startsWith("A hello was refused")).length === 3);
});

test("a farewell speaks for nobody else, and not at length", async () => {
  const data = `{ workload_name: "victim", id: "victims", reason: "forged", exit_code: 7, colour: "red" }`;
  await using agent = await hostileAgent(`
    await greet();
    ready();
    onCall = (method, id) => {
      agent.write(frame(TYPE.reply, 0, id, { concurrency: "many" }));
      // Once it counts as running.
      setTimeout(() => agent.write(frame(TYPE.goodbye, 0, 0, { code: "sandbox_failed", message: "m", data: ${data} })), 500);
    };`);
  await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
  await hostile
    .deploy(Buffer.from("not looked at"), { name: "honest", kind: "elf", triggers: [] })
    .catch(() => undefined);
  const { data: told } = await hostile.told.event("workload_crashed");
  assert.deepEqual([told["workload_name"], told["reason"], told["colour"]], ["honest", "m", undefined]);
  assert.notEqual(told["id"], "victims");

  await using talker = await hostileAgent(`
    await greet();
    ready();
    onCall = (method, id) => {
      agent.write(frame(TYPE.reply, 0, id, { concurrency: "many" }));
      const message = "m".repeat(1_000_000);
      setTimeout(() => agent.write(frame(TYPE.goodbye, 0, 0, { code: "sandbox_failed", message })), 500);
    };`);
  await using second = await TestSystem.start({ programs: { agent: talker.path } });
  await second
    .deploy(Buffer.from("not looked at"), { name: "talker", kind: "elf", triggers: [] })
    .catch(() => undefined);
  const event = await second.told.event("workload_crashed");
  assert.ok(String(event.data["reason"]).length < 5000);
});

const FLOODS = {
  logs: `const record = { at: 0, level: "info", stream: "stdout", text: "y".repeat(100) };
    const batch = frame(TYPE.notify, METHOD.logs, 0, { records: Array(1000).fill(record), dropped: 1 });
    flood(agent, () => batch);`,
  "log records of a megabyte": `const record = { at: 1e300, level: "info", stream: "stdout", text: "y".repeat(900_000) };
    const batch = frame(TYPE.notify, METHOD.logs, 0, { records: [record], dropped: 0 });
    flood(agent, () => batch);`,
  events: `flood(agent, () => frame(TYPE.notify, METHOD.event, 0, { type: "runner_ended", reason: "again", exit_code: 1, signal: null }));`,
  tokens: `agent.resume(); let id = 10; flood(agent, () => frame(TYPE.call, METHOD.runnerToken, ++id, "null"));`,
  "unknown notifications": `const unknown = frame(TYPE.notify, 999, 0, "z"); flood(agent, () => unknown);`,
  output: `agent.resume(); flood(process.stdout, () => "line\\n".repeat(10_000));`,
};

for (const [what, attack] of Object.entries(FLOODS)) {
  test(`a flood of ${what} costs its sender, and others stay usable`, async () => {
    await using neighbour = await startNeighbour();
    await using agent = await hostileAgent(`
      await greet();
      const runner = dial();
      runner.write(hello(await askToken(), "runner"));
      await runner.next();
      ready();
      onCall = (method, id) => {
        agent.write(frame(TYPE.reply, 0, id, { concurrency: "many" }));
        ${attack}
      };`);
    await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
    await hostile.deploy(ECHO).catch(() => undefined);
    assert.ok((await latency(neighbour)) < USABLE_MS);
    const kept = hostile.feeds.recentLogs("default").reduce((sum, { text }) => sum + text.length, 0);
    assert.ok(kept < 32 * 1024 * 1024, `${kept} characters of logs are kept`);
    assert.ok(hostile.feeds.recentEvents("default").length < 200);
  });
}

test("connections that never say hello, and runners without end, take no more than their few descriptors", async () => {
  await using neighbour = await startNeighbour();
  const before = readdirSync("/proc/self/fd").length;
  await using agent = await hostileAgent(`
    await greet();
    for (let round = 0; round < 100; round++) {
      const runner = dial();
      runner.write(hello(await askToken(), "runner"));
    }
    for (let round = 0; round < 500; round++) dial();
    onCall = (method, id) => agent.write(frame(TYPE.error, 0, id, { code: "internal", message: "all dialled" }));
    ready();`);
  await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
  assert.equal((await failure(hostile.deploy(ECHO))).message, "all dialled");
  assert.ok(readdirSync("/proc/self/fd").length < before + 100);
  assert.ok((await latency(neighbour)) < USABLE_MS);
});

test("an agent that never reads holds up neither the node nor its end", async () => {
  await using neighbour = await startNeighbour();
  await using agent = await hostileAgent(`await greet(); ready(); agent.pause();`);
  await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
  await hostile.whenWarm();
  const deploying = failure(hostile.deploy(ECHO + " ".repeat(4_000_000)));
  await waitFor(() => hostile.watch.seen.length === 2);
  assert.ok((await latency(neighbour)) < USABLE_MS);
  await hostile.supervisor.close();
  assert.equal((await deploying).code, "cancelled");
});

test("output without a line end takes no memory", async () => {
  await using agent = await hostileAgent(`
    const text = "x".repeat(1 << 20);
    for (let round = 0; round < 300; round++) await new Promise((done) => process.stdout.write(text, done));
    await greet();
    ready();
    onCall = (method, id) => agent.write(frame(TYPE.error, 0, id, { code: "internal", message: "no" }));`);
  const before = process.memoryUsage().rss;
  await using hostile = await TestSystem.start({ programs: { agent: agent.path } });
  await hostile.whenWarm();
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 150 * 1024 * 1024, `${Math.round(grown / 1024 / 1024)} MiB more for 300 MiB of output`);
  await failure(hostile.deploy(ECHO));
});
