import assert from "node:assert/strict";
import { arch, platform } from "node:os";
import { after, before, describe, it } from "node:test";
import { encodeMessage } from "@nex/protocol";
import { RunningNode } from "./support/running-node.ts";

const GO_ARCH = { x64: "amd64", ia32: "386" }[arch() as string] ?? arch();

describe("an auction", () => {
  let running: RunningNode;
  before(async () => (running = await RunningNode.start({ config: { tags: { Region: "EU-West" } } })));
  after(async () => await running.close());

  /** True if the node answers. What it does not answer by the time it answers a later question, it never will. */
  const answers = async (request: unknown): Promise<boolean> => {
    const { client } = running;
    const inbox = client.subscribe("bids");
    client.publish("$NEX.AUCTION", encodeMessage(request), { reply: "bids" });
    await running.ask(`$NEX.PING.${running.node.id}`);
    inbox.unsubscribe();
    return inbox.getReceived() === 1;
  };

  for (const [what, request] of Object.entries({
    "for anything": {},
    "that is null": null,
    "with every field null": { arch: null, os: null, sandboxed: null, tags: null, workload_types: null },
    "for this architecture": { arch: GO_ARCH },
    "for this architecture in capitals": { arch: GO_ARCH.toUpperCase() },
    "for this system": { os: platform() },
    "for what is not sandboxed": { sandboxed: false },
    "for a tag, in another case": { tags: { Region: "eu-WEST" } },
    "for a tag of the node's own": { tags: { "nex.unsafe": "TRUE" } },
    "for functions, in 0.2.7's word": { workload_types: ["v8"] },
    "for functions, in ours": { workload_types: ["javascript"] },
    "for all of it": {
      arch: GO_ARCH,
      os: platform(),
      sandboxed: false,
      workload_types: ["v8"],
      tags: { Region: "eu-west" },
    },
  })) {
    it(`${what} is answered`, async () => assert.equal(await answers(request), true));
  }

  for (const [what, request] of Object.entries({
    "for another architecture": { arch: "s390x" },
    "for another system": { os: "plan9" },
    "for a sandbox": { sandboxed: true },
    "for a tag with another value": { tags: { Region: "us" } },
    "for a tag the node lacks": { tags: { gpu: "yes" } },
    "for a tag every object has": { tags: { constructor: "Object" } },
    "for one tag it has and one it lacks": { tags: { Region: "eu-west", gpu: "yes" } },
    "for one type it can run and one it cannot": { workload_types: ["v8", "oci"] },
    "for a type nobody knows": { workload_types: ["oci"] },
  })) {
    it(`${what} is not`, async () => assert.equal(await answers(request), false));
  }

  it("that cannot be read is refused", async () => {
    const { code, type } = await running.ask("$NEX.AUCTION", "{");
    assert.equal(code, "invalid_request");
    assert.equal(type, "io.nats.nex.v1.auction_response");
  });
});
