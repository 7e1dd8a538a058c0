import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { before, test } from "node:test";
import { processAlive, type TemporaryDirectory, temporaryDirectory, waitFor } from "@nex/testing";
import { buildCli, LAUNCHER, nex, olderNode, type RunOptions } from "./support/built-cli.ts";

const older = olderNode();
const withOlderNode = { skip: older === undefined ? "no Node 20 to 25 on the PATH" : false };
const nodes: readonly (readonly [string, RunOptions, { skip: string | boolean }])[] = [
  ["this Node", {}, { skip: false }],
  ["an older Node", { node: older ?? "" }, withOlderNode],
];

before(buildCli);

for (const [which, options, skip] of nodes) {
  test(`prints the version of its package under ${which}`, skip, async () => {
    const { version } = JSON.parse(readFileSync(resolve(dirname(LAUNCHER), "../package.json"), "utf8")) as {
      version: string;
    };
    assert.deepEqual(await nex(["--version"], options), { stdout: `${version}\n`, stderr: "", exit: 0, signal: null });
    assert.deepEqual(await nex(["-s", "nats://x", "--version"], options), {
      stdout: `${version}\n`,
      stderr: "",
      exit: 0,
      signal: null,
    });
  });

  test(`passes arguments and the exit code through under ${which}`, skip, async () => {
    const ran = await nex(["no such command", "--json"], options);
    assert.equal(ran.exit, 2);
    assert.match(JSON.parse(ran.stderr).error.message, /"no such command"/);
  });

  test(`ends quietly when the reader of its output goes away under ${which}`, skip, async () => {
    const child = spawn(
      "/bin/sh",
      ["-c", '"$0" "$1" completion bash | head -c 1; exit 0', options.node ?? process.execPath, LAUNCHER],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += String(chunk)));
    child.stdout.resume();
    await once(child, "close");
    assert.equal(stderr, "");
  });
}

/** The launcher with another program behind it, so that signals can be watched. */
async function launcherOf(program: string): Promise<TemporaryDirectory & { readonly launcher: string }> {
  const directory = await temporaryDirectory("nex-launcher-");
  const cli = resolve(dirname(LAUNCHER), "..");
  for (const name of ["bin", "dist"]) mkdirSync(join(directory.path, name));
  cpSync(LAUNCHER, join(directory.path, "bin/nex.js"));
  cpSync(join(cli, "package.json"), join(directory.path, "package.json"));
  symlinkSync(resolve(cli, "../../node_modules"), join(directory.path, "node_modules"));
  writeFileSync(join(directory.path, "dist/nex.js"), program);
  return Object.assign(directory, { launcher: join(directory.path, "bin/nex.js") });
}

const REPORTER = `
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => { console.log(signal); process.exit(7); });
  process.on("disconnect", () => process.exit(0));
  setInterval(() => {}, 1000);
  console.log(process.pid);
`;

for (const [which, { node = process.execPath }, skip] of nodes) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`hands ${signal} to the program under ${which}`, skip, async () => {
      await using directory = await launcherOf(REPORTER);
      const child = spawn(node, [directory.launcher], { stdio: ["ignore", "pipe", "inherit"] });
      const lines: string[] = [];
      child.stdout.on("data", (chunk) => lines.push(...String(chunk).trim().split("\n")));
      await waitFor(() => lines.length > 0);
      child.kill(signal);
      const [exit] = await once(child, "close");
      assert.equal(exit, 7);
      assert.deepEqual(lines.slice(1), [signal]);
    });
  }

  test(
    `shows a program killed by a signal as 128 and its number, or dies of it too, under ${which}`,
    skip,
    async () => {
      await using directory = await launcherOf('process.kill(process.pid, "SIGKILL");');
      const child = spawn(node, [directory.launcher], { stdio: "ignore" });
      const [exit, signal] = await once(child, "close");
      assert.ok(exit === 137 || signal === "SIGKILL", `${exit} ${signal}`);
    },
  );

  test(`a killed launcher leaves no program behind under ${which}`, skip, async () => {
    await using directory = await launcherOf(REPORTER);
    const child = spawn(node, [directory.launcher], { stdio: ["ignore", "pipe", "inherit"] });
    const [first] = await once(child.stdout, "data");
    const program = Number(String(first));
    child.kill("SIGKILL");
    await waitFor(() => !processAlive(program), { message: "the program to end" });
  });
}

test("says what to do when Node 26 is not there", withOlderNode, async () => {
  await using directory = await launcherOf("");
  rmSync(join(directory.path, "node_modules"));
  const child = spawn(older ?? "", [directory.launcher, "node", "ls"], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [exit] = await once(child, "close");
  assert.equal(exit, 1);
  assert.match(
    stderr,
    /^error: nex needs Node 26 or newer; this is Node 2\d\.[\d.]+, and the package "node-[\w-]+" that brings it is not installed\.\nInstall nex again with: npm install --include=optional\n$/,
  );
});

test("says what to do when it was not built", async () => {
  await using directory = await launcherOf("");
  rmSync(join(directory.path, "dist"), { recursive: true });
  const child = spawn(process.execPath, [directory.launcher, "ls", "--json"], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [exit] = await once(child, "close");
  assert.equal(exit, 1);
  assert.match(JSON.parse(stderr).error.message, /is missing\. In a clone of the project run: npm run build$/);
});
