import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { buildCli, nex } from "./support/built-cli.ts";

interface CliCase {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, unknown>>;
  readonly stdout?: readonly string[];
  readonly stderr?: readonly string[];
  readonly exit: number;
}

before(buildCli);

for (const file of globSync(join(import.meta.dirname, "cases/*.json"))) {
  describe(basename(file, ".json"), { concurrency: 2 }, () => {
    for (const { name, args, env, files, stdout = [], stderr = [], exit } of JSON.parse(
      readFileSync(file, "utf8"),
    ) as CliCase[]) {
      test(name, async () => {
        await using directory = await temporaryDirectory("nex-cli-case-");
        await writeFiles(directory.path, files ?? {});
        const ran = await nex(args, { cwd: directory.path, env: { XDG_CONFIG_HOME: directory.path, ...env } });
        assertLines("stderr", ran.stderr, stderr, directory.path);
        assertLines("stdout", ran.stdout, stdout, directory.path);
        assert.equal(ran.exit, exit);
      });
    }
  });
}

async function writeFiles(directory: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  }
}

function assertLines(what: string, printed: string, expected: readonly string[], directory: string): void {
  const shown = printed.replaceAll(directory, "$DIR");
  const lines = expected.map((line) =>
    line === "[...]"
      ? "(?:.*\\n)*?"
      : `${line
          .split("[...]")
          .map((part) => RegExp.escape(part))
          .join(".*")}\\n`,
  );
  if (!new RegExp(`^${lines.join("")}$`).test(shown))
    assert.equal(shown, expected.map((line) => `${line}\n`).join(""), what);
}
