import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { errorCatalogue, type NexErrorCode } from "../../src/error-catalogue.ts";
import { NexError } from "../../src/errors.ts";
import {
  readServiceError,
  SERVICE_ERROR_CODE_HEADER,
  SERVICE_ERROR_HEADER,
  serviceErrorBody,
  serviceErrorHeaders,
} from "../../src/feeds/service-errors.ts";

const codes = fc.constantFrom(...(Object.keys(errorCatalogue) as NexErrorCode[]));

describe("service error", () => {
  it("has the headers and the body that a caller can count on", () => {
    const error = new NexError("deadline_exceeded", "No answer within 5 s.");
    assert.deepEqual(serviceErrorHeaders(error), {
      "Nats-Service-Error-Code": "504",
      "Nats-Service-Error": "No answer within 5 s.",
    });
    assert.deepEqual(JSON.parse(Buffer.from(serviceErrorBody(error, "inv1")).toString()), {
      error: { code: "deadline_exceeded", message: "No answer within 5 s.", invocation_id: "inv1" },
    });
    assert.deepEqual(Object.keys(JSON.parse(Buffer.from(serviceErrorBody(error)).toString()).error), [
      "code",
      "message",
    ]);
  });

  it("never ends a header line, whatever a function throws", () => {
    fc.assert(
      fc.property(codes, fc.string({ unit: "binary", maxLength: 700 }), (code, message) => {
        const text = serviceErrorHeaders(new NexError(code, message))[SERVICE_ERROR_HEADER] ?? "";
        assert.ok(text.length > 0 && text.length <= 512 && text.isWellFormed());
        assert.doesNotMatch(text, /\p{Cc}/u);
      }),
    );
    const injected = new NexError("function_failed", "x\r\nNats-Status: 200\r\n\r\n");
    assert.equal(serviceErrorHeaders(injected)[SERVICE_ERROR_HEADER], "x Nats-Status: 200");
  });

  it("comes back to the caller as the error it was", () => {
    fc.assert(
      fc.property(codes, fc.string(), (code, message) => {
        const error = new NexError(code, message);
        const headers = serviceErrorHeaders(error);
        const read = readServiceError(
          headers[SERVICE_ERROR_CODE_HEADER] ?? "",
          headers[SERVICE_ERROR_HEADER] ?? "",
          serviceErrorBody(error, "inv1"),
        );
        assert.deepEqual([read.code, read.message, read.data], [code, message, { invocation_id: "inv1" }]);
      }),
    );
  });

  it("of another service keeps its text", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (body) =>
        assert.equal(readServiceError("400", "bad order", body).message, "bad order"),
      ),
    );
    assert.equal(readServiceError("400", "", new Uint8Array()).code, "function_failed");
  });
});
