import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { block } from "../../src/terminal/block.ts";
import { type Column, table } from "../../src/terminal/table.ts";
import { displayWidth, truncate } from "../../src/terminal/width.ts";
import { memoryOutput } from "../support/memory-terminal.ts";

interface Row {
  readonly name: string;
  readonly count: number;
}

const columns: readonly Column<Row>[] = [
  { title: "NAME", value: ({ name }) => name, style: () => "green" },
  { title: "COUNT", value: ({ count }) => count, align: "right" },
];

test("aligned by cells, without colour and in full where no person reads", () => {
  const rows = [
    { name: "short", count: 1 },
    { name: "日本", count: 12345678 },
    { name: "x".repeat(100), count: 0 },
  ];
  assert.equal(
    table(memoryOutput({ columns: 40 }), rows, columns),
    [
      `NAME${" ".repeat(96)}     COUNT`,
      `short${" ".repeat(95)}         1`,
      `日本${" ".repeat(96)}  12345678`,
      `${"x".repeat(100)}         0`,
    ].join("\n"),
  );
});

test("cut to the window on a terminal", () => {
  const shown = table(
    memoryOutput({ isTTY: true, columns: 20 }),
    [{ name: "a-very-long-workload-name", count: 7 }],
    columns,
  );
  assert.deepEqual(shown.split("\n"), ["NAME           COUNT", "a-very-long-…      7"]);
});

test("bold titles and coloured cells where colour is wanted", () => {
  const shown = table(memoryOutput({ isTTY: true, color: true }), [{ name: "a", count: 1 }], columns);
  assert.equal(shown, "\u001b[1mNAME\u001b[22m  \u001b[1mCOUNT\u001b[22m\n\u001b[32ma   \u001b[39m      1");
});

test("a row is one line and acts on no terminal, whatever is in it", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ name: fc.string({ unit: "binary" }), count: fc.nat() })), (rows) => {
      const lines = table(memoryOutput(), rows, columns).split("\n");
      assert.equal(lines.length, rows.length + 1);
      assert.ok(lines.every((line) => !/\p{Cc}/u.test(line)));
    }),
  );
});

test("truncation keeps to the width", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.integer({ min: 1, max: 30 }),
      (text, width) => displayWidth(truncate(text, width)) <= width,
    ),
  );
});

test("a block aligns its values; lists take a line for each item, unknown values none", () => {
  const shown = block(memoryOutput(), "Workload default/a", [
    ["Kind", "elf"],
    ["Triggers", ["a.>", "b"]],
    ["Node", undefined],
    ["Tags", []],
  ]);
  assert.equal(
    shown,
    ["Workload default/a", "", "  Kind:     elf", "  Triggers: a.>", "            b", "  Tags:     -"].join("\n"),
  );
});
