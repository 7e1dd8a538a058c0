import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { waitFor } from "@nex/testing";
import { readLines } from "../src/output-lines.ts";

test("lines come whole, however they were cut, and without end if they have none", async () => {
  const output = new PassThrough();
  const lines: string[] = [];
  readLines(output, (line) => lines.push(line));
  for (const part of ["one\ntw", "o \n", "ü".repeat(5000), "\nthree"]) output.write(part);
  output.end();
  await waitFor(() => lines.length === 4);
  assert.deepEqual(lines, ["one", "two", "ü".repeat(4096), "three"]);
});

test("of a flood little is taken, and what comes after it is heard", async () => {
  const output = new PassThrough();
  const lines: string[] = [];
  readLines(output, (line) => lines.push(line));
  for (let part = 0; part < 20; part++) output.write("\n".repeat(50_000));
  await waitFor(() => output.readableLength === 0);
  assert.ok(lines.length <= 20 * 256, `${lines.length} of a million`);
  output.write("after\n");
  await waitFor(() => lines.includes("after"));
});
