import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  callMethod,
  decode,
  deploy,
  hello,
  logBatch,
  replaceRunner,
  runnerToken,
  serveMethod,
  undeploy,
  workloadEvent,
} from "@nex/link";
import { isNexError, NexError } from "@nex/protocol";
import { linkPair } from "../support/link-pair.ts";

describe("A method", () => {
  it("is called with its request and answered with its reply", async () => {
    await using pair = await linkPair();
    serveMethod(pair.right, undeploy, ({ grace_ms }) => ({ killed: grace_ms > 5 }));
    assert.deepEqual(await callMethod(pair.left, undeploy, { grace_ms: 6 }), { killed: true });
  });

  it("without request or reply carries null", async () => {
    await using pair = await linkPair();
    serveMethod(pair.right, runnerToken, (request) => ({ token: String(request) }));
    serveMethod(pair.right, replaceRunner, () => null);
    assert.deepEqual(await callMethod(pair.left, runnerToken, null), { token: "null" });
    assert.equal(await callMethod(pair.left, replaceRunner, { graceful: true }), null);
  });

  it("answers a request of the wrong form with link_protocol that names the place, and lives on", async () => {
    await using pair = await linkPair();
    serveMethod(pair.right, undeploy, () => ({ killed: false }));
    for (const [body, says] of [
      ["", /not JSON/],
      ["{", /not JSON/],
      ["null", /agreed form/],
      ['{"grace_ms":"1"}', /at "grace_ms"/],
    ] as const) {
      await assert.rejects(pair.left.request(undeploy.code, Buffer.from(body)), {
        code: "link_protocol",
        message: says,
      });
    }
    await pair.left.ping();
  });

  it("whose reply has the wrong form fails with link_protocol", async () => {
    await using pair = await linkPair();
    pair.right.handle(undeploy.code, (call) => call.reply(Buffer.from('{"killed":1}')));
    await assert.rejects(callMethod(pair.left, undeploy, { grace_ms: 1 }), {
      code: "link_protocol",
      message: /undeploy/,
    });
  });

  it("passes on what its handler throws, ours as it is and others as internal", async () => {
    await using pair = await linkPair();
    let thrown: unknown = new NexError("artifact_missing", "Not here.");
    serveMethod(pair.right, undeploy, async () => {
      throw thrown;
    });
    await assert.rejects(callMethod(pair.left, undeploy, { grace_ms: 1 }), { code: "artifact_missing" });
    for (thrown of [new TypeError("a bug"), Object.create(null), undefined]) {
      await assert.rejects(callMethod(pair.left, undeploy, { grace_ms: 1 }), { code: "internal" });
    }
  });
});

describe("Bodies of junk", () => {
  it("are refused with link_protocol by every schema, whatever the JSON", () => {
    const schemas = [hello.request, deploy.request, undeploy.request, logBatch, workloadEvent, runnerToken.request];
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.oneof(fc.json(), fc.string()), (schema, text) => {
        try {
          decode("junk", schema as typeof logBatch, Buffer.from(text));
        } catch (error) {
          assert.ok(isNexError(error) && error.code === "link_protocol", String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("nested 200,000 deep are refused like any other", () => {
    const deep = Buffer.from(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
    assert.throws(() => decode("deep", logBatch, deep), { code: "link_protocol" });
    const inside = Buffer.from(`{"records":${deep.toString()},"dropped":0}`);
    assert.throws(() => decode("deep", logBatch, inside), { code: "link_protocol" });
  });
});
