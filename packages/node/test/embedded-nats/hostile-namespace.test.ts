import assert from "node:assert/strict";
import { test } from "node:test";
import { deployFunction } from "../control-api/support/deploys.ts";
import { type Reply, RunningNode } from "../control-api/support/running-node.ts";

const HONEST = "export default (event) => `honest ${event.text()}`;";

/** Answers everything, and keeps what it has heard for whoever asks. */
const THIEF = `
  const heard = [];
  export default (event) => event.subject.endsWith(".loot") ? heard.join() : void heard.push(event.text());`;

/** Tries to send, ask and have answers sent to the subject it is given. */
const MEDDLER = `
  export default async (event, { messaging }) => {
    const subject = event.text();
    const codes = [];
    for (const attempt of [
      () => messaging.publish(subject, "forged"),
      () => messaging.request(subject, "forged", { timeoutMs: 1000 }),
      () => messaging.requestMany(subject, "forged", { timeoutMs: 1000 }),
      () => messaging.publish("thief.x", "forged", { reply: subject }),
    ]) {
      try { await attempt(); codes.push("done"); } catch (error) { codes.push(error.code); }
    }
    return JSON.stringify(codes);
  };`;

async function deployIn(
  running: RunningNode,
  namespace: string,
  name: string,
  source: string,
  ...triggers: string[]
): Promise<Reply> {
  const request = { trigger_subjects: triggers, allow_all_subjects: true };
  return await deployFunction(running, { namespace, name, source, request });
}

test("a namespace of the embedded server neither reads nor answers nor reaches another, however its triggers are spelt", async () => {
  await using running = await RunningNode.start({ embedded: true });
  const honest = await deployIn(running, "shop", "honest", HONEST, "shop.*");
  assert.equal(honest.error, undefined);
  for (const trigger of ["shop.*", "shop.order", "shop.>", "*.order", "*.*", "*.>", ">", "*"]) {
    const refused = await deployIn(running, "thief", "thief", THIEF, trigger);
    assert.equal(refused.code, "subject_denied", trigger);
    assert.match(refused.error ?? "", /namespaces\.thief\.subjects/);
  }
  // The namespace that has the rest may have wildcards; they take in nothing of the others'.
  assert.equal((await deployIn(running, "default", "thief", THIEF, "shop.*")).code, "subject_denied");
  for (const [name, trigger] of Object.entries({ one: "*.order", two: "*.>", three: ">", four: "*.loot" }))
    assert.equal((await deployIn(running, "default", name, THIEF, trigger)).error, undefined, trigger);
  for (let time = 0; time < 50; time++)
    assert.equal((await running.request("shop.order", String(time))).string(), `honest ${time}`);
  for (let time = 0; time < 8; time++) assert.equal((await running.request("any.loot")).string(), "");
});

test("functions of one namespace send nothing into another's, and hear why", async () => {
  await using running = await RunningNode.start({ embedded: true });
  const heard: string[] = [];
  running.client.subscribe("shop.>", { callback: (_, message) => void heard.push(message.subject) });
  await deployIn(running, "shop", "honest", HONEST, "shop.order");
  await deployIn(running, "thief", "meddler", MEDDLER, "thief.meddle");
  await deployIn(running, "default", "meddler", MEDDLER, "meddle");
  for (const meddler of ["thief.meddle", "meddle"]) {
    const codes = JSON.parse((await running.request(meddler, "shop.order")).string()) as string[];
    assert.deepEqual([...new Set(codes.slice(0, 3))], ["subject_denied"], meddler);
    assert.equal(codes[3], "subject_denied");
  }
  assert.deepEqual(heard, []);
});

test("what a caller names as reply subject is not written to when it belongs to another namespace", async () => {
  await using running = await RunningNode.start({ embedded: true });
  const heard: string[] = [];
  running.client.subscribe("shop.*", { callback: (_, message) => void heard.push(message.subject) });
  await deployIn(running, "shop", "honest", HONEST, "shop.order");
  await deployIn(running, "thief", "deputy", HONEST, "thief.deputy");
  running.client.publish("thief.deputy", "x", { reply: "shop.forged" });
  await running.client.flush();
  // One after the other over one connection: when this is answered, the first answer has been sent or refused.
  assert.equal((await running.request("thief.deputy", "y")).string(), "honest y");
  await running.client.flush();
  assert.deepEqual(heard, []);
});

test("namespaces share what the operator lists", async () => {
  await using running = await RunningNode.start({
    embedded: true,
    config: { namespaces: { sales: { subjects: { publish: ["shop.order"], subscribe: ["sales.>"] } } } },
  });
  await deployIn(running, "shop", "honest", HONEST, "shop.order");
  const asks = `export default async (event, { messaging }) => (await messaging.request("shop.order", event.text())).text();`;
  assert.equal((await deployIn(running, "sales", "asks", asks, "sales.ask")).error, undefined);
  assert.equal((await running.request("sales.ask", "1")).string(), "honest 1");
  assert.equal((await deployIn(running, "sales", "greedy", HONEST, "shop.order")).code, "subject_denied");
});

test("a node on a server of the operator's refuses lists that it could not hold anyone to", async () => {
  await assert.rejects(RunningNode.start({ config: { namespaces: { shop: { subjects: ["shop.>"] } } } }), {
    code: "invalid_request",
    message: /namespaces\.shop\.subjects is for the embedded server only/,
  });
});
