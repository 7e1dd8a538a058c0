import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ENVELOPE_TYPES,
  failureEnvelope,
  readEnvelope,
  readReply,
  successEnvelope,
} from "../../src/control/envelope.ts";
import { encodeMessage } from "../../src/control/messages/parse.ts";
import { stopResponseSchema } from "../../src/control/messages/replies.ts";
import { errorCatalogue, type NexErrorCode } from "../../src/error-catalogue.ts";
import { isNexError, NexError } from "../../src/errors.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

const codes = fc.constantFrom(...(Object.keys(errorCatalogue) as NexErrorCode[]));
const readText = (text: string): unknown => readEnvelope(Buffer.from(text));

describe("envelope", () => {
  it("has 0.2.7's form", () => {
    assert.deepEqual(successEnvelope(ENVELOPE_TYPES.stop, { stopped: true }), {
      type: "io.nats.nex.v1.stop_response",
      data: { stopped: true },
    });
    const refusal = new NexError("workload_not_found", "No such workload", { data: { id: "x" } });
    assert.deepEqual(failureEnvelope(ENVELOPE_TYPES.stop, refusal), {
      type: "io.nats.nex.v1.stop_response",
      data: "",
      error: "No such workload",
      code: "workload_not_found",
      details: { id: "x" },
    });
  });

  it("gives back the data", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (data) => {
        const copy = JSON.parse(JSON.stringify(data));
        assert.deepEqual(readEnvelope(encodeMessage(successEnvelope(ENVELOPE_TYPES.info, data))), copy);
      }),
    );
  });

  it("throws a refusal as the error it was", () => {
    fc.assert(
      fc.property(codes, fc.string(), (code, message) => {
        const bytes = encodeMessage(
          failureEnvelope(ENVELOPE_TYPES.run, new NexError(code, message, { data: { n: 1 } })),
        );
        assert.throws(
          () => readEnvelope(bytes),
          (error) => isNexError(error) && error.code === code && error.message === message && error.data["n"] === 1,
        );
      }),
    );
  });

  it("finds the code of a Go node's refusal in its text", () => {
    for (const [text, code] of [
      ["No such workload", "workload_not_found"],
      ["Node is in lame duck mode. Workload deploy request denied", "lame_duck"],
      ["Unsupported workload type on this node: oci", "unsupported_kind"],
      ["Unsupported workload type for trigger subject registration: native", "trigger_unsupported"],
      ["invalid workload issuer: AXYZ", "issuer_not_allowed"],
      ["Invalid deploy request: could not decode workload JWT: x", "claims_invalid"],
      ["something else", "internal"],
      ["", "internal"],
    ] as const) {
      throwsCode(code, () => readText(JSON.stringify({ type: "t", data: "", error: text })), /^/);
    }
    throwsCode("internal", () => readText('{"data":"","error":"text","code":"from_the_future"}'), /text/);
    throwsCode("internal", () => readText('{"data":{},"error":{}}'));
  });

  it("refuses what is no envelope, with nothing but NexErrors", () => {
    for (const text of ["", "null", "[]", "1", '"x"', "{}", '{"type":"t"}', "{", '{"type":"t","error":null}']) {
      throwsCode("invalid_request", () => readText(text));
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void onlyNexErrors(() => readEnvelope(bytes))));
    fc.assert(fc.property(fc.json(), (text) => void onlyNexErrors(() => readText(text))));
  });

  it("is read together with its data's schema", () => {
    const reply = { stopped: true, id: "i", issuer: "A", name: "w" };
    const bytes = encodeMessage(successEnvelope(ENVELOPE_TYPES.stop, { ...reply, more: 1 }));
    assert.deepEqual(readReply(stopResponseSchema, bytes), reply);
    throwsCode(
      "invalid_request",
      () => readReply(stopResponseSchema, Buffer.from('{"data":{"stopped":1}}')),
      /"stopped" must be a boolean/,
    );
  });
});
