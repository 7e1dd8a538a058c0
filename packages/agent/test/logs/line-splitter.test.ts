import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@nex/testing";
import fc from "fast-check";
import { LineSplitter } from "../../src/logs/line-splitter.ts";

function lines(...chunks: readonly (string | Uint8Array)[]): string[] {
  const found: string[] = [];
  const splitter = new LineSplitter((line) => found.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return found;
}

describe("LineSplitter", () => {
  it("ends lines at \\n and \\r\\n, and counts an unfinished last one", () => {
    assert.deepEqual(lines("a\nb\r\n\nc"), ["a", "b", "", "c"]);
    assert.deepEqual(lines("a\n"), ["a"]);
    assert.deepEqual(lines(""), []);
    assert.deepEqual(lines("\n"), [""]);
    assert.deepEqual(lines("a\r", "\nb"), ["a", "b"]);
  });

  it("finds the same lines however the stream is cut, in the middle of a character too", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\n\r]/g, ""))),
        fc.array(fc.nat(1000)),
        (texts, places) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
          const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
          const chunks = [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
          assert.deepEqual(lines(...chunks), texts);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("turns bytes that are not UTF-8 into replacement characters", () => {
    assert.deepEqual(lines(new Uint8Array([0x61, 0xff, 0x0a, 0xe2, 0x82])), ["a\ufffd", "\ufffd"]);
  });

  it("splits a line of 20,000 characters, whether its end has come or not, and loses none", () => {
    for (const chunks of [["x".repeat(20_000)], ["x".repeat(20_000), "\n"], Array<string>(20_000).fill("x")]) {
      const found = lines(...chunks);
      assert.equal(found.join(""), "x".repeat(20_000));
      assert.ok(found.every((line) => line.length <= 8192));
    }
  });

  it("hands on a part of a line once its stream stands still, and its end as a line of its own", async () => {
    const found: string[] = [];
    const splitter = new LineSplitter((line) => found.push(line), 20);
    splitter.push(Buffer.from("first\nname"));
    assert.deepEqual(found, ["first"]);
    await waitFor(() => found.length === 2);
    splitter.push(Buffer.from("\n\nlast: "));
    await waitFor(() => found.length === 4);
    splitter.push(Buffer.from("42\n"));
    splitter.end();
    assert.deepEqual(found, ["first", "name", "", "last: ", "42"]);
  });

  it("does not split a character in two", () => {
    const found = lines(`${"x".repeat(8191)}😀${"y".repeat(10)}\n`);
    assert.ok(found.every((line) => line.isWellFormed()));
    assert.equal(found.join(""), `${"x".repeat(8191)}😀${"y".repeat(10)}`);
  });
});
