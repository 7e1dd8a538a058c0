import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LINK_VERSION } from "@nex/link";
import { NexError } from "@nex/protocol";
import { NodeDouble } from "./support/node-double.ts";

describe("An agent", () => {
  it("says hello with its token, role and version, and so is said on both links of its runner", async () => {
    await using node = await NodeDouble.start();
    assert.deepEqual(node.hellos[0], { token: "agent-token", role: "agent", version: LINK_VERSION });
    assert.deepEqual(
      node.hellos.slice(1).toSorted((a, b) => a.role.localeCompare(b.role)),
      [
        { token: "runner-token-1", role: "runner", version: LINK_VERSION },
        { token: "services-token-1", role: "services", version: LINK_VERSION },
      ],
    );
    assert.equal(node.runnerPids.length, 1, "the runner is up before any deploy");
  });

  it("ends, and says why, when the node speaks another version of the link", async () => {
    await using node = await NodeDouble.begin({ version: "2.0" });
    assert.deepEqual(await node.ended, { exitCode: 1, signal: null });
    assert.match(node.output, /version 2\.0/);
  });

  it("ends, and says why, when the node refuses its hello", async () => {
    await using node = await NodeDouble.begin({
      onHello: () => {
        throw new NexError("link_token", "The token was used before.");
      },
    });
    assert.deepEqual(await node.ended, { exitCode: 1, signal: null });
    assert.match(node.output, /The token was used before/);
  });

  for (const refused of ["runner", "services"]) {
    it(`ends when the hello on its runner's link is refused to the role "${refused}"`, async () => {
      await using node = await NodeDouble.begin({
        onHello: ({ role }) => {
          if (role === refused) throw new NexError("link_token", "Not this runner.");
        },
      });
      assert.equal((await node.ended).exitCode, 1);
      assert.match(node.output, /Not this runner/);
    });
  }

  for (const [what, metadata] of [
    ["no metadata", ""],
    ["metadata that are not JSON", "{"],
    ["metadata without a token", '{"agent_id":"a","link":"unix:/x"}'],
  ] as const) {
    it(`started with ${what} says that people do not start agents`, async () => {
      await using node = await NodeDouble.begin({ metadata });
      assert.equal((await node.ended).exitCode, 1);
      assert.match(node.output, /no metadata on descriptor 3.*never by hand/);
    });
  }

  it("whose node is not there ends and says so", async () => {
    await using node = await NodeDouble.begin({
      metadata: JSON.stringify({ agent_id: "a", link: "unix:/nowhere/at/all", token: "t" }),
    });
    assert.equal((await node.ended).exitCode, 1);
    assert.match(node.output, /ENOENT|nowhere/);
  });
});
