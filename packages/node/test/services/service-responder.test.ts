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
    id = (await deployFunction(running, { name: "pricing", namespace: "shop", request })).data.id;
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

  it("counts a function's invocations", async () => {
    await running.client.request("orders.de", "x");
    const [stats] = await ask("$SRV.STATS.pricing");
    const { started, endpoints, ...rest } = stats as { started: string; endpoints: Answer[] } & Answer;
    assert.deepEqual(rest, identity("stats"));
    assert.ok(Math.abs(Date.parse(started) - Date.now()) < 60_000);
    assert.deepEqual(endpoints[0], {
      name: "trigger-0",
      subject: "orders.*",
      queue_group: "nex.shop.pricing",
      num_requests: 1,
      num_errors: 0,
      last_error: "",
      processing_time: 0,
      average_processing_time: 0,
    });
    assert.equal(endpoints.length, 2);
  });
});
