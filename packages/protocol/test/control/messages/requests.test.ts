import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encodeMessage, parseMessage } from "../../../src/control/messages/parse.ts";
import {
  auctionRequestSchema,
  logsRequestSchema,
  parseQuery,
  recentEventsRequestSchema,
} from "../../../src/control/messages/queries.ts";
import { rollbackRequestSchema, stopRequestSchema, undeployRequestSchema } from "../../../src/control/messages/stop.ts";
import { onlyNexErrors, throwsCode } from "../../expect-nex-error.ts";

const text = (value: string): Uint8Array => Buffer.from(value);

describe("auction request", () => {
  it("without a body, or null, asks every node", () => {
    for (const body of ["", "null", "{}"]) assert.deepEqual(parseQuery(auctionRequestSchema, text(body)), {});
  });

  it("is read as 0.2.7 sends it", () => {
    const request = { arch: "amd64", os: "linux", sandboxed: false, tags: { zone: "a" }, workload_types: ["v8"] };
    assert.deepEqual(parseQuery(auctionRequestSchema, encodeMessage(request)), request);
  });

  it("is refused when it cannot be read, rather than taken for no filter", () => {
    throwsCode("invalid_request", () => parseQuery(auctionRequestSchema, text("{")));
    throwsCode("invalid_request", () => parseQuery(auctionRequestSchema, text('{"arch":1}')));
  });
});

describe("requests with claims", () => {
  const request = { workload_id: "i", name: "w", workload_jwt: "j", target_node: "N" };

  it("need every field", () => {
    for (const [schema, fields] of [
      [stopRequestSchema, ["workload_id", "workload_jwt", "target_node"]],
      [undeployRequestSchema, ["name", "workload_jwt", "target_node"]],
      [rollbackRequestSchema, ["name", "workload_jwt", "target_node"]],
    ] as const) {
      const whole = parseMessage<object>(schema, encodeMessage(request));
      assert.deepEqual(new Set(Object.keys(whole)), new Set<string>(fields));
      for (const field of fields) {
        for (const wrong of [undefined, null, 1, {}, []]) {
          throwsCode(
            "invalid_request",
            () => parseMessage<object>(schema, encodeMessage({ ...request, [field]: wrong })),
            new RegExp(field),
          );
        }
      }
    }
    assert.equal(parseMessage(rollbackRequestSchema, encodeMessage({ ...request, revision: 3 })).revision, 3);
    throwsCode(
      "invalid_request",
      () => parseMessage(rollbackRequestSchema, encodeMessage({ ...request, revision: 0 })),
      /revision.*more than 0/,
    );
  });
});

describe("questions for logs and events", () => {
  it("may be empty", () => {
    assert.deepEqual(parseQuery(logsRequestSchema, text("")), {});
    assert.deepEqual(parseQuery(recentEventsRequestSchema, text("")), {});
  });

  it("are bounded", () => {
    const request = { workload: "w", id: "i", limit: 10, since: "2026-01-02T03:04:05.123456789+01:00" };
    assert.deepEqual(parseQuery(logsRequestSchema, encodeMessage(request)), request);
    throwsCode("invalid_request", () => parseQuery(logsRequestSchema, text('{"limit":1e9}')), /at most 10000/);
    throwsCode("invalid_request", () => parseQuery(logsRequestSchema, text('{"since":"now"}')), /RFC 3339/);
  });

  it("bring nothing but NexErrors at junk", () => {
    for (const schema of [auctionRequestSchema, logsRequestSchema, recentEventsRequestSchema, stopRequestSchema]) {
      fc.assert(fc.property(fc.json(), (body) => void onlyNexErrors(() => parseQuery<object>(schema, text(body)))));
    }
  });
});
