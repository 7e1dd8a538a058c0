import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@nex/testing";
import { Load } from "./support/load.ts";
import { TestFleet } from "./support/test-fleet.ts";

const SAY = (text: string): string =>
  `export default async () => { await new Promise((done) => setTimeout(done, 5)); return ${JSON.stringify(text)}; };`;

describe("under load", { concurrency: false }, () => {
  it("a node that enters lame duck mode is replaced first, and nothing fails", async () => {
    await using fleet = await TestFleet.start(2);
    const [first, second] = fleet.nodes;
    await fleet.deploy({ source: SAY("here"), request: { replicas: 2 } });
    await fleet.whenRunning("fn", 2, (counts) => counts.size === 2);
    const load = new Load(fleet.client, "fn");
    await load.goOn(500);
    assert.equal((await first!.ask(`$NEX.LAMEDUCK.${first!.node.id}`)).data.success, true);
    await fleet.whenRunning("fn", 2, (counts) => counts.get(second!.node.id) === 2);
    await load.goOn(500);
    await load.stop();
    assert.deepEqual(load.failures, []);
    const refused = await fleet.deploy({ name: "other" }, first);
    assert.equal(refused.code, "lame_duck");
  });

  it("a node that gets SIGTERM gives everything away before it ends, and nothing fails", async () => {
    await using fleet = await TestFleet.start(3);
    for (const name of ["one", "two"]) await fleet.deploy({ name, source: SAY(name), request: { replicas: 3 } });
    for (const name of ["one", "two"]) await fleet.whenRunning(name, 3, (counts) => counts.size === 3);
    const loads = ["one", "two"].map((name) => new Load(fleet.client, name, 32));
    await Promise.all(loads.map(async (load) => await load.goOn(300)));
    await fleet.nodes[2]!.kill("SIGTERM");
    await Promise.all(loads.map(async (load) => await load.goOn(300)));
    for (const name of ["one", "two"]) await fleet.whenRunning(name, 3, (counts) => counts.size === 2);
    for (const load of loads) {
      await load.stop();
      assert.deepEqual(load.failures, []);
    }
  });

  it("a rolling update over three nodes loses nothing", async () => {
    await using fleet = await TestFleet.start(3);
    await fleet.deploy({ source: SAY("1"), request: { replicas: 3 } });
    await fleet.whenRunning("fn", 3, (counts) => counts.size === 3);
    const load = new Load(fleet.client, "fn");
    for (const text of ["2", "3", "4"]) {
      await load.goOn(300);
      const { error, data } = await fleet.deploy({ source: SAY(text), request: { replicas: 3 } });
      assert.equal(error, undefined);
      assert.equal(data.revision, Number(text));
    }
    await load.goOn(300);
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.deepEqual([...load.answers.keys()].sort(), ["1", "2", "3", "4"]);
  });

  it("of a node that is killed, at most what was in flight on it is lost", async () => {
    await using fleet = await TestFleet.start(2);
    await fleet.deploy({ source: SAY("here"), request: { replicas: 2, deadline_ms: 3000 } });
    await fleet.whenRunning("fn", 2, (counts) => counts.size === 2);
    const load = new Load(fleet.client, "fn", 64, 5000);
    await load.goOn(500);
    await fleet.nodes[1]!.kill("SIGKILL");
    await fleet.whenRunning("fn", 2, (counts) => counts.size === 1);
    await load.goOn(500);
    await load.stop();
    assert.ok(load.failures.length <= 64, `${load.failures.length} failures`);
    for (const failure of load.failures) assert.match(failure, /timeout/i);
  });
});

it("a redeploy with other needs moves to where they are met, and replicas change with it", async () => {
  await using fleet = await TestFleet.start(1);
  const tagged = await fleet.add({ tags: { zone: "b" } });
  await waitFor(async () => (await fleet.nodes[0]!.peers()).length === 2);
  await fleet.deploy({ source: SAY("1") });
  const tags = { zone: "B" };
  await fleet.deploy({ source: SAY("2"), request: { placement: { tags }, replicas: 2 } });
  await fleet.whenRunning("fn", 2, (counts) => counts.get(tagged.node.id) === 2);
  await fleet.deploy({ source: SAY("3"), request: { placement: { tags } } });
  await fleet.whenRunning("fn", 1, (counts) => counts.get(tagged.node.id) === 1);
  const nowhere = await fleet.deploy({ name: "other", request: { placement: { tags: { zone: "c" } } } });
  assert.equal(nowhere.code, "no_node");
  assert.match(nowhere.error!, /has no tag zone.*has the tag zone=b, not c|has the tag zone=b, not c.*has no tag zone/);
});
