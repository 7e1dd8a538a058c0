import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable, printableJson, printableLines } from "../../src/terminal/printable.ts";

test("what acts on a terminal is written out", () => {
  assert.equal(
    printable("a\u001b[31mb\u009b2Jc\rd\ne\u202ef\u007f"),
    "a\\u001b[31mb\\u009b2Jc\\u000dd\\u000ae\\u202ef\\u007f",
  );
  assert.equal(printable("naïve 日本 👩‍👩‍👧 a_b"), "naïve 日本 👩‍👩‍👧 a_b");
});

test("lines stay lines", () => {
  assert.equal(printableLines("a\tb\r\nc\nd\re\u001b"), "a\tb\r\nc\nd\\u000de\\u001b");
});

test("no text gets a control character through", () => {
  const anyText = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(
      anyText,
      (text) => !/\p{Cc}|[\u2028-\u202e\u2066-\u2069]/u.test(printable(text)) && printable(text).isWellFormed(),
    ),
  );
  fc.assert(fc.property(anyText, (text) => !/[^\P{Cc}\n\r\t]/u.test(printableLines(text))));
});

test("JSON keeps its value and loses its control characters", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const printed = printableJson(value, 2);
      assert.deepEqual(JSON.parse(printed), JSON.parse(JSON.stringify(value)));
      assert.doesNotMatch(printed, /[^\P{Cc}\n]/u);
    }),
  );
  assert.equal(printableJson({ a: "\u009b\u202e" }), '{"a":"\\u009b\\u202e"}');
});
