import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@nex/testing";
import { Cable, noCable } from "./support/cable.ts";
import { Relay } from "./support/relay.ts";
import { TestFleet } from "./support/test-fleet.ts";

it(
  "a node in a network that is cut off ends what others have taken over once it is back",
  { skip: noCable },
  async () => {
    await using fleet = await TestFleet.start(1);
    using cable = new Cable();
    await using relay = await Relay.to(fleet.nats.port, cable.address);
    const [stays] = fleet.nodes;
    // Over a network a node that is no boundary wants to know who may deploy.
    const issuers = [fleet.issuer.publicKey];
    const cutOff = await fleet.add({ issuers }, relay.url, { through: cable.through });
    await waitFor(async () => (await stays!.peers()).length === 2);
    await fleet.deploy({ request: { replicas: 2 } });
    await fleet.whenRunning("fn", 2, (counts) => counts.size === 2);
    cable.cut();
    await fleet.whenRunning("fn", 2, (counts) => counts.get(stays!.node.id) === 2, 30_000);
    cable.mend();
    await waitFor(async () => (await stays!.peers()).length === 2, { message: "both nodes", timeoutMs: 40_000 });
    const counts = await fleet.whenRunning("fn", 2, (found) => found.size === 1, 30_000);
    assert.deepEqual([...counts], [[stays!.node.id, 2]]);
    assert.ok(cutOff.isRunning);
    await cutOff.kill("SIGINT");
  },
);
