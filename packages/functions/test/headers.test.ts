import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeaderMap } from "@nex/functions/internal";
import fc from "fast-check";

const name = fc.stringMatching(/^[!-9;-~]{1,12}$/);
const values = fc.array(
  fc.string().filter((value) => !/[\r\n]/.test(value)),
  { minLength: 1, maxLength: 3 },
);

describe("HeaderMap", () => {
  it("finds names by their exact case, as NATS does", () => {
    const headers = HeaderMap.from({ "Content-Type": "text/plain", "content-type": "other" });
    assert.equal(headers.get("Content-Type"), "text/plain");
    assert.equal(headers.get("content-type"), "other");
    assert.equal(headers.get("CONTENT-TYPE"), undefined);
    assert.equal(headers.has("CONTENT-TYPE"), false);
  });

  it("keeps several values of a name, in order", () => {
    const headers = HeaderMap.from([
      ["Via", "a"],
      ["Other", "x"],
      ["Via", ["b", "c"]],
    ]);
    assert.equal(headers.get("Via"), "a");
    assert.deepEqual(headers.all("Via"), ["a", "b", "c"]);
    assert.deepEqual(headers.all("none"), []);
    assert.deepEqual(
      [...headers],
      [
        ["Via", ["a", "b", "c"]],
        ["Other", ["x"]],
      ],
    );
  });

  it("is not fooled by names that objects have", () => {
    assert.equal(HeaderMap.empty.get("constructor"), undefined);
    assert.equal(HeaderMap.from(JSON.parse('{"__proto__":"x"}') as Record<string, string>).get("__proto__"), "x");
  });

  it("leaves out a name without values", () => {
    assert.equal(HeaderMap.from({ Empty: [] }).has("Empty"), false);
  });

  it("refuses names that NATS cannot carry", () => {
    for (const bad of ["", "a b", "a:b", "ä", "a\r\nb", "a\0"]) {
      assert.throws(() => HeaderMap.from({ [bad]: "x" }), {
        code: "function_failed",
        message: /cannot be a header's name/,
      });
    }
  });

  it("refuses values that would begin another header, or are no strings", () => {
    assert.throws(() => HeaderMap.from({ A: "x\r\nB: y" }), {
      code: "function_failed",
      message: /"A" has a line break/,
    });
    assert.throws(() => HeaderMap.from({ A: 7 as unknown as string[] }), { code: "function_failed" });
    assert.throws(() => HeaderMap.from({ A: null as unknown as string }), {
      code: "function_failed",
      message: /is null/,
    });
    assert.throws(() => HeaderMap.from({ A: [7 as unknown as string] }), {
      code: "function_failed",
      message: /is a number/,
    });
  });

  it("gives back what it was made from", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, values), { selector: ([key]) => key }), (pairs) => {
        const headers = HeaderMap.from(pairs);
        assert.deepEqual([...headers], pairs);
        for (const [key, list] of pairs) assert.equal(headers.get(key), list[0]);
      }),
    );
  });
});
