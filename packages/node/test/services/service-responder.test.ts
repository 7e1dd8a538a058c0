import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deployFunction } from "../control-api/support/deploys.ts";
import { RunningNode } from "../control-api/support/running-node.ts";

type Answer = Readonly<Record<string, unknown>>;

/** The names NATS's own tools accept: ADR-32. */
const NAME = /^[A-Za-z0-9_-]+$/;
const SEMVER = /^\d+\.\d+\.\d+$/;

describe("NATS's service discovery", () => {
  let running: RunningNode;
  let id: string;
  before(async () => {
    running = await RunningNode.start();
    const request = { trigger_subjects: ["orders.*", "returns"] };
    const source = `export default (event) => {
      if (event.text() !== "x") throw new Error(event.text());
    };`;
    id = (await deployFunction(running, { name: "pricing", namespace: "shop", request, source })).data.id;
  });
  after(async () => await running.close());

  /** All answers to a question: those to one message come before that to the next. */
  const ask = async (subject: string): Promise<Answer[]> => {
    const answers: Answer[] = [];
    const inbox = running.client.subscribe("discovered", {
      callback: (_, message) => void answers.push(message.json<Answer>()),
    });
    running.client.publish(subject, "", { reply: "discovered" });
    await running.client.request("$SRV.PING.nex-node", "");
    inbox.unsubscribe();
    return answers;
  };
  const identity = (verb: string): Answer => ({
    type: `io.nats.micro.v1.${verb}_response`,
    name: "pricing",
    id,
    version: "0.0.1",
    metadata: { namespace: "shop", kind: "javascript", revision: "1" },
  });

  it("finds the node and its functions", async () => {
    const answers = await ask("$SRV.PING");
    assert.deepEqual(
      answers.map(({ name, id: found }) => [name, found]),
      [
        ["nex-node", running.node.id],
        ["pricing", id],
      ],
    );
    for (const { name, version } of answers) {
      assert.match(String(name), NAME);
      assert.match(String(version), SEMVER);
    }
  });

  for (const [what, tail] of [
    ["name", () => "pricing"],
    ["name in another case", () => "PRICING"],
    ["name and id", () => `pricing.${id}`],
  ] as const) {
    it(`finds a function by ${what}`, async () => {
      assert.deepEqual(await ask(`$SRV.PING.${tail()}`), [identity("ping")]);
    });
  }

  for (const subject of [
    "$SRV.PING.nobody",
    "$SRV.PING.pricing.nobody",
    "$SRV.PING.a.b.c",
    "$SRV.TOSTRING",
    "$SRV.x",
  ]) {
    it(`does not answer ${subject}`, async () => assert.deepEqual(await ask(subject), []));
  }

  it("says of a function which subjects it serves", async () => {
    const endpoint = { queue_group: "nex.shop.pricing", metadata: {} };
    assert.deepEqual(await ask("$SRV.INFO.pricing"), [
      {
        ...identity("info"),
        description: "made by a test",
        endpoints: [
          { name: "trigger-0", subject: "orders.*", ...endpoint },
          { name: "trigger-1", subject: "returns", ...endpoint },
        ],
      },
    ]);
  });

  it("says of the node where it belongs", async () => {
    assert.deepEqual(await ask(`$SRV.INFO.nex-node.${running.node.id}`), [
      {
        type: "io.nats.micro.v1.info_response",
        name: "nex-node",
        id: running.node.id,
        version: "0.1.0",
        metadata: { nexus: "nexus", sandbox: "process" },
        description: "Runs services and functions",
        endpoints: [],
      },
    ]);
  });

  it("tells of each trigger how often it ran, how long, and how it failed last", async () => {
    const send = async (subject: string, payload: string): Promise<unknown> =>
      await running.client.request(subject, payload, { timeout: 20_000 });
    for (const subject of ["orders.de", "orders.fr", "returns"]) await send(subject, "x");
    await send("returns", "first");
    await send("returns", "second");
    const [stats] = await ask("$SRV.STATS.pricing");
    const { started, endpoints, ...rest } = stats as { started: string; endpoints: Answer[] } & Answer;
    assert.deepEqual(rest, identity("stats"));
    assert.ok(Math.abs(Date.parse(started) - Date.now()) < 60_000);
    const told = endpoints.map(({ processing_time, average_processing_time, ...endpoint }) => {
      const [whole, average] = [Number(processing_time), Number(average_processing_time)];
      // At least the microseconds that two writes to a socket take; at most what the whole test may.
      assert.ok(Number.isInteger(whole) && whole > 1000 && whole < 60e9, String(whole));
      assert.equal(average, Math.round(whole / Number(endpoint["num_requests"])));
      return endpoint;
    });
    const queue_group = "nex.shop.pricing";
    assert.deepEqual(told, [
      { name: "trigger-0", subject: "orders.*", queue_group, num_requests: 2, num_errors: 0, last_error: "" },
      {
        name: "trigger-1",
        subject: "returns",
        queue_group,
        num_requests: 3,
        num_errors: 2,
        last_error: "function_failed: The function threw Error: second.",
      },
    ]);
  });

  it("has nothing to tell of a function that was not called", async () => {
    await deployFunction(running, { name: "idle", namespace: "shop" });
    const [stats] = await ask("$SRV.STATS.idle");
    assert.deepEqual((stats as { endpoints: Answer[] }).endpoints, [
      {
        name: "trigger-0",
        subject: "idle",
        queue_group: "nex.shop.idle",
        num_requests: 0,
        num_errors: 0,
        last_error: "",
        processing_time: 0,
        average_processing_time: 0,
      },
    ]);
  });
});
