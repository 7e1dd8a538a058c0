import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@nex/testing";
import { withProgress } from "../../src/terminal/progress.ts";
import { memoryOutput } from "../support/memory-terminal.ts";

test("quick work shows nothing", async () => {
  const output = memoryOutput({ isTTY: true });
  assert.equal(await withProgress(output, "Uploading", async () => 5), 5);
  assert.equal(output.text(), "");
});

test("slow work is one line where there is no terminal", async () => {
  const output = memoryOutput();
  await withProgress(output, "Uploading", async () => await waitFor(() => output.text() !== ""), 1);
  assert.equal(output.text(), "Uploading…\n");
});

test("slow work is a spinner with a bar on a terminal, and gone afterwards", async () => {
  const output = memoryOutput({ isTTY: true, columns: 60 });
  await withProgress(
    output,
    "Uploading\u001b[2J",
    async (report) => {
      report.update(50, 200);
      await waitFor(() => output.text().includes("⠙"));
    },
    1,
  );
  assert.ok(output.text().includes("⠋ Uploading\\u001b[2J  ██████░░░░░░░░░░░░░░░░░░  25%"), output.text());
  assert.ok(output.text().endsWith("\r\u001b[2K"));
});

test("failure passes through and cleans up", async () => {
  const output = memoryOutput({ isTTY: true });
  const failing = withProgress(
    output,
    "Uploading",
    async () => {
      await waitFor(() => output.text() !== "");
      throw new Error("no");
    },
    1,
  );
  await assert.rejects(failing, /no/);
  assert.ok(output.text().endsWith("\r\u001b[2K"));
});
