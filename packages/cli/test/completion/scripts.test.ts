import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { COMMANDS, NOUNS } from "../../src/command-table.ts";
import { completionWords } from "../../src/completion/completion-words.ts";
import { bashScript, fishScript, zshScript } from "../../src/completion/scripts.ts";

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** What bash would offer for a line that ends where the cursor stands. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const script = `${bashScript(await completionWords({ commands: COMMANDS, nouns: NOUNS }))}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nex; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" })
    .trim()
    .split("\n");
}

test("bash completes nouns, verbs and options", { skip: has("bash") ? false : "no bash" }, async () => {
  assert.deepEqual(await offered("nex", "cont"), ["context"]);
  assert.deepEqual(await offered("nex", "context", ""), ["ls"]);
  assert.deepEqual(await offered("nex", "--json", "context", "ls", "--na"), ["--namespace"]);
  assert.deepEqual(await offered("nex", "context", "list", "--jso"), ["--json"]);
});

for (const [shell, make] of [
  ["zsh", zshScript],
  ["fish", fishScript],
] as const) {
  test(`${shell} can read its script`, { skip: has(shell) ? false : `no ${shell}` }, async () => {
    execFileSync(shell, ["-n"], { input: make(await completionWords({ commands: COMMANDS, nouns: NOUNS })) });
  });
}
