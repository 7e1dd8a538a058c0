import assert from "node:assert/strict";
import { test } from "node:test";
import { Printer } from "../../src/terminal/printer.ts";
import { memoryTerminal } from "../support/memory-terminal.ts";

test("with --json: data as JSON, no notes, warnings as JSON", async () => {
  const terminal = memoryTerminal();
  const print = new Printer(terminal, true);
  print.json([{ a: 1 }]);
  print.line({ b: 2 });
  print.note("talk");
  print.warn("careful");
  await print.progress("work", async (report) => report.update(1, 2));
  assert.equal(terminal.stdout.text(), '[{"a":1}]\n{"b":2}\n');
  assert.equal(terminal.stderr.text(), '{"warning":{"message":"careful"}}\n');
});

test("for people: data on stdout, talk on stderr, made safe", () => {
  const terminal = memoryTerminal();
  const print = new Printer(terminal, false);
  print.text("one\n\u001b[2J");
  print.note("a note");
  print.warn("a \u0007 warning");
  assert.equal(terminal.stdout.text(), "one\n\\u001b[2J\n");
  assert.equal(terminal.stderr.text(), "a note\nwarning: a \\u0007 warning\n");
});

test("bytes stay bytes in a pipe and are made safe on a terminal", () => {
  const bytes = Buffer.from("ok\u001b]0;title\u0007\n");
  const [pipe, window] = [memoryTerminal(), memoryTerminal({ isTTY: true })];
  new Printer(pipe, false).bytes(bytes);
  new Printer(window, false).bytes(bytes);
  assert.equal(pipe.stdout.text(), bytes.toString());
  assert.equal(window.stdout.text(), "ok\\u001b]0;title\\u0007\n");
});
