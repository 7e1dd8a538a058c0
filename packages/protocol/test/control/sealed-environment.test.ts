import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openEnvironment, sealEnvironment } from "../../src/control/sealed-environment.ts";
import { isNexError } from "../../src/errors.ts";
import { ExchangeKey } from "../../src/keys/exchange-key.ts";
import { throwsCode } from "../expect-nex-error.ts";

const sender = ExchangeKey.create();
const recipient = ExchangeKey.create();
const open = (text: string): Record<string, string> => openEnvironment(text, recipient, sender.publicKey);
const sealText = (text: string): string =>
  Buffer.from(sender.seal(Buffer.from(text), recipient.publicKey)).toString("base64");
/** The box takes a millisecond each way. */
const FEW = { numRuns: 10 };

describe("sealed environment", () => {
  it("comes back as it went", () => {
    const name = fc.string({ minLength: 1, unit: "binary" }).filter((text) => !/[=\0]/.test(text));
    const value = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (environment) => {
        assert.deepEqual(open(sealEnvironment(environment, sender, recipient.publicKey)), environment);
      }),
      FEW,
    );
  });

  it("is empty if there was none, as 0.2.7 seals null", () => {
    assert.deepEqual(open(sealEnvironment(undefined, sender, recipient.publicKey)), {});
    assert.deepEqual(open(sealText("null")), {});
    assert.deepEqual(open(sealText("{}")), {});
  });

  it("holds only names and texts", () => {
    for (const text of [
      "",
      "{",
      "[]",
      '"x"',
      "1",
      '{"A":1}',
      '{"A":null}',
      '{"A":{"b":"c"}}',
      '{"":"x"}',
      '{"A=B":"x"}',
      '{"A":"\\u0000"}',
      `{"A":${"[".repeat(100)}`,
    ]) {
      throwsCode("invalid_request", () => open(sealText(text)));
    }
    throwsCode("invalid_request", () => sealEnvironment({ "A=B": "x" }, sender, recipient.publicKey));
  });

  it("does not change what objects are by a name", () => {
    const opened = open(sealText('{"__proto__":"x","constructor":"y"}'));
    assert.equal(Object.getPrototypeOf(opened), Object.prototype);
    assert.deepEqual(Object.entries(opened), [
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });

  it("is refused when it is not sealed to this key, or is no base64", () => {
    const text = sealEnvironment({ A: "b" }, sender, recipient.publicKey);
    throwsCode("environment_sealed_wrong", () => openEnvironment(text, ExchangeKey.create(), sender.publicKey));
    throwsCode("environment_sealed_wrong", () => openEnvironment(text, recipient, "X".repeat(56)));
    for (const other of ["", "!", `${text}\n`, text.replace(/=*$/, "") + "!", "AAAA"])
      throwsCode("environment_sealed_wrong", () => open(other));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (junk) =>
        throwsCode("environment_sealed_wrong", () => open(junk)),
      ),
      FEW,
    );
  });

  it("has a largest size, both ways", () => {
    throwsCode("too_large", () => open("A".repeat(600_000)));
    throwsCode("too_large", () => sealEnvironment({ A: "x".repeat(600_000) }, sender, recipient.publicKey));
  });

  it("never shows a value in an error", () => {
    for (const text of ['{"A":"hunter2', '["hunter2"]', '{"A":["hunter2"]}', "hunter2"]) {
      assert.throws(
        () => open(sealText(text)),
        (error) => {
          assert.ok(isNexError(error));
          return ![error.message, JSON.stringify(error), String((error.cause as Error | undefined)?.message)]
            .join()
            .includes("hunter2");
        },
      );
    }
  });
});
