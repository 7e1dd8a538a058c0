import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@nex/testing";
import { Relay } from "./support/relay.ts";
import { TestFleet } from "./support/test-fleet.ts";

for (const how of ["mend", "mendAnew"] as const) {
  const what = how === "mend" ? "with its connections" : "with new connections";
  it(`a node that was cut off and is back ${what} ends what others have taken over, and takes nothing of theirs`, async () => {
    await using fleet = await TestFleet.start(1);
    await using relay = await Relay.to(fleet.nats.port);
    const cutOff = await fleet.add({}, relay.url);
    await waitFor(async () => (await fleet.nodes[0]!.peers()).length === 2);
    const [stays] = fleet.nodes;
    await fleet.deploy({ request: { replicas: 2 } });
    await fleet.whenRunning("fn", 2, (counts) => counts.size === 2);
    relay.cut();
    await fleet.whenRunning("fn", 2, (counts) => counts.get(stays!.node.id) === 2, 30_000);
    relay[how]();
    await waitFor(async () => (await stays!.peers()).length === 2, { message: "both nodes", timeoutMs: 30_000 });
    const counts = await fleet.whenRunning("fn", 2, (found) => found.size === 1, 30_000);
    assert.deepEqual([...counts], [[stays!.node.id, 2]]);
    assert.ok(cutOff.isRunning);
    // It takes part again.
    await fleet.deploy({ name: "again", request: { replicas: 2 } });
    await fleet.whenRunning("again", 2, (found) => found.size === 2);
  });
}
