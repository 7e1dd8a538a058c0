import assert from "node:assert/strict";
import { test } from "node:test";
import { NexError } from "@nex/protocol";
import { COMMANDS, NOUNS } from "../src/command-table.ts";
import { GLOBAL_OPTIONS } from "../src/global-options.ts";
import { longName } from "../src/option.ts";
import { runProgram } from "../src/program.ts";
import { memoryTerminal } from "./support/memory-terminal.ts";

test("every command loads, fits under its noun, and takes no global flag for itself", async () => {
  const globals = new Set([
    ...Object.values(GLOBAL_OPTIONS).flatMap(({ flags }) => flags.match(/--?[\w-]+/g) ?? []),
    "-h",
    "--help",
    "-V",
    "--version",
  ]);
  const top = COMMANDS.flatMap(({ path, short }) => [
    ...(path.length === 1 ? path : []),
    ...(short === undefined ? [] : [short]),
  ]);
  assert.equal(
    new Set([...top, ...Object.keys(NOUNS)]).size,
    top.length + Object.keys(NOUNS).length,
    "two commands of one name",
  );
  for (const { path, load } of COMMANDS) {
    const command = await load();
    if (path.length > 1) assert.ok(Object.hasOwn(NOUNS, path[0]), path.join(" "));
    for (const { flags } of Object.values(command.options)) {
      for (const name of flags.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [])
        assert.ok(!globals.has(name), `${path.join(" ")} ${name}`);
    }
    for (const [line] of command.examples) {
      assert.ok(
        line.startsWith(path.join(" ")) ||
          line.startsWith(COMMANDS.find((entry) => entry.path === path)?.short ?? path.join(" ")),
        line,
      );
    }
    assert.ok(Object.values(command.options).every(({ flags }) => longName(flags).startsWith("--")));
  }
});

async function run(
  argv: readonly string[],
  reason?: unknown,
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
  const terminal = memoryTerminal({ env: { HOME: "/nonexistent" } });
  const signal = reason === undefined ? new AbortController().signal : AbortSignal.abort(reason);
  const exit = await runProgram(argv, { terminal, cwd: "/", signal });
  return { exit, stdout: terminal.stdout.text(), stderr: terminal.stderr.text() };
}

test("a command that was stopped exits as its signal says, and says nothing", async () => {
  const stopped = (signal: string): NexError => new NexError("cancelled", "", { data: { signal } });
  assert.equal((await run(["context", "ls", "--json"], stopped("SIGINT"))).exit, 130);
  assert.deepEqual(await run(["completion", "nosuch"], stopped("SIGTERM")), { exit: 143, stdout: "", stderr: "" });
  assert.deepEqual(await run(["completion", "nosuch"], stopped("SIGPIPE")), { exit: 0, stdout: "", stderr: "" });
});

test("words after -- are no flags", async () => {
  const { exit, stderr } = await run(["completion", "--", "--json"]);
  assert.equal(exit, 2);
  assert.match(stderr, /^error: There is no completion script for "--json"/);
});
