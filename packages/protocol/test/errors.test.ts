import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { errorCatalogue, type NexErrorCode } from "../src/error-catalogue.ts";
import { fromErrorJson, isNexError, isNexErrorCode, NexError, toNexError } from "../src/errors.ts";

const codes = fc.constantFrom(...(Object.keys(errorCatalogue) as NexErrorCode[]));

describe("NexError", () => {
  it("survives a wire with code, message and data", () => {
    fc.assert(
      fc.property(
        codes,
        fc.string(),
        fc.dictionary(fc.stringMatching(/^[a-z_]+$/), fc.integer()),
        (code, message, data) => {
          const error = fromErrorJson(JSON.parse(JSON.stringify(new NexError(code, message, { data }))));
          assert.deepEqual([error.code, error.message, { ...error.data }], [code, message, { ...data }]);
          assert.equal(error.status, errorCatalogue[code].status);
        },
      ),
    );
  });

  it("is rebuilt from any JSON at all", () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => isNexError(fromErrorJson(json))));
    assert.equal(fromErrorJson({ code: "from_the_future", message: "m" }).code, "internal");
    assert.deepEqual(fromErrorJson({ code: "from_the_future" }).data, { unknown_code: "from_the_future" });
    assert.deepEqual(fromErrorJson({ code: "timeout", data: [1] }).data, {});
    assert.equal(fromErrorJson({ code: "toString" }).code, "internal");
  });

  it("is made of whatever was thrown", () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (thrown) => isNexError(toNexError(thrown))));
    const hostile = {
      toString(): string {
        throw new TypeError("no text");
      },
    };
    assert.equal(toNexError(hostile).cause, hostile);
    const error = new NexError("timeout", "late");
    assert.equal(toNexError(error), error);
  });

  it("shows its name, and no marks of its own", () => {
    const error = new NexError("timeout", "late");
    assert.equal(String(error), "NexError: late");
    assert.doesNotMatch(inspect(error), /nex\.error/);
    assert.equal(isNexError(new Error("late")), false);
    assert.equal(isNexError(error.toJSON()), false);
    assert.equal(isNexErrorCode("constructor"), false);
  });
});
