import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, it } from "node:test";

const SCRIPTS = path.resolve(import.meta.dirname, "../scripts");
const LOCK = {
  packages: {
    "": {},
    "node_modules/dep": { version: "1.0.0", integrity: "sha512-x" },
    "node_modules/other": { version: "2.0.0", optional: true },
  },
};

/** Stands in for the build: counts its runs, and takes as long as the file `hold` exists. */
const BUILD = `
import fs from "node:fs";
fs.appendFileSync("built", "x");
while (fs.existsSync("hold")) await new Promise((resolve) => setTimeout(resolve, 5));
fs.writeFileSync("made", "");
console.log(JSON.stringify(["made"]));
`;

let root = "";

/** A clone in which everything is installed and only the build is left to do. */
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "setup-"));
  const platform = `${process.platform}-${process.arch}`;
  write("package.json", JSON.stringify({ type: "module", optionalDependencies: { [`node-${platform}`]: "26.0.0" } }));
  write("package-lock.json", JSON.stringify(LOCK));
  write("node_modules/.package-lock.json", JSON.stringify(LOCK));
  write("packages/one/package.json", "{}");
  write("packages/one/src/index.ts", "export {};");
  mkdirSync(path.join(root, "node_modules/.bin"));
  symlinkSync(process.execPath, path.join(root, "node_modules/.bin/node"));
  cpSync(path.join(SCRIPTS, "setup"), path.join(root, "scripts/setup"), { recursive: true });
  cpSync(path.join(SCRIPTS, "setup.js"), path.join(root, "scripts/setup.js"));
  write("scripts/build.js", BUILD);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, content: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), content);
}

function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildProcess {
  // Programs that are certainly there, so that no test downloads them.
  const all = { ...process.env, NEX_NATS_SERVER: process.execPath, NEX_BUBBLEWRAP: process.execPath, ...env };
  return spawn(process.execPath, [path.join(root, "scripts/setup.js"), ...args], {
    cwd: root,
    env: all,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, "close") as Promise<[number | null]>]);
  return { code, said };
}

async function setUp(
  args?: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<{ code: number | null; said: string }> {
  return await ended(start(args, env));
}

function builds(): number {
  const file = path.join(root, "built");
  return existsSync(file) ? readFileSync(file, "utf8").length : 0;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("set-up", () => {
  it("does what is left to do, says so, and then nothing more", async () => {
    assert.deepEqual(await setUp(), { code: 0, said: "set-up: building …\n" });
    assert.deepEqual(await setUp(), { code: 0, said: "" });
    assert.equal(builds(), 1);
  });

  it("builds again when a source changes, vanishes or is added, or an output is missing", async () => {
    await setUp();
    write("packages/one/src/index.ts", "export const one = 1;");
    await setUp();
    write("packages/one/src/two.ts", "");
    await setUp();
    rmSync(path.join(root, "packages/one/src/two.ts"));
    await setUp();
    rmSync(path.join(root, "made"));
    await setUp();
    assert.equal(builds(), 5);
  });

  it("builds with --build whether or not something changed", async () => {
    await setUp();
    await setUp(["--build"]);
    assert.equal(builds(), 2);
  });

  it("lets one of two work while the other waits, and does the work once", async () => {
    write("hold", "");
    const first = ended(start());
    await until(() => builds() === 1);
    const waiting = start();
    const second = ended(waiting);
    await once(waiting.stderr!, "data");
    rmSync(path.join(root, "hold"));
    assert.equal((await first).code, 0);
    const { code, said } = await second;
    assert.equal(code, 0, said);
    assert.equal(builds(), 1);
    assert.deepEqual(existsSync(path.join(root, ".tools/setup.lock")), false);
  });

  it("takes over the lock of one that died", async () => {
    write("hold", "");
    const first = start();
    await until(() => builds() === 1);
    first.kill("SIGKILL");
    await once(first, "close");
    rmSync(path.join(root, "hold"));
    assert.ok(existsSync(path.join(root, ".tools/setup.lock")));
    assert.equal((await setUp()).code, 0);
    assert.equal(existsSync(path.join(root, ".tools/setup.lock")), false);
  });

  it("gives its lock back when it is interrupted", async () => {
    write("hold", "");
    const child = start();
    await until(() => builds() === 1);
    child.kill("SIGTERM");
    assert.equal((await ended(child)).code, 143);
    assert.equal(existsSync(path.join(root, ".tools/setup.lock")), false);
  });

  it("shows what a failed step said and tries it again the next time", async () => {
    write("scripts/build.js", 'console.error("src/x.ts:3: oops"); process.exitCode = 3;');
    const { code, said } = await setUp();
    assert.equal(code, 1);
    assert.match(said, /build\.js --bundles" ended with code 3\.\nsrc\/x\.ts:3: oops/);
    assert.equal((await setUp()).code, 1);
  });

  it("installs when node_modules is not what the lock file says", async () => {
    const others = { packages: { ...LOCK.packages, "node_modules/dep": { version: "1.0.1", integrity: "sha512-y" } } };
    write("node_modules/.package-lock.json", JSON.stringify(others));
    // An npm that only tells that it was called.
    write("bin/npm", '#!/bin/sh\necho "npm $1" >&2; exit 1\n');
    const npm = path.join(root, "bin/npm");
    chmodSync(npm, 0o755);
    const { code, said } = await setUp([], { PATH: `${path.dirname(npm)}:/usr/bin:/bin`, npm_execpath: "" });
    assert.equal(code, 1);
    assert.match(said, /installing npm packages[^]*npm ci/);
    assert.equal(builds(), 0);
  });

  it("says which platforms there are when this one is not among them", async () => {
    write("package.json", JSON.stringify({ type: "module", optionalDependencies: { "node-plan9-mips": "26.0.0" } }));
    const { code, said } = await setUp();
    assert.equal(code, 1);
    assert.match(said, /no package of Node 26 for .*; there are some for plan9-mips/);
  });

  it("refuses a NEX_NATS_SERVER that is no program, and arguments it does not know", async () => {
    assert.match(
      (await setUp([], { NEX_NATS_SERVER: "/nowhere/nats-server" })).said,
      /NEX_NATS_SERVER names \/nowhere\/nats-server/,
    );
    const { code, said } = await setUp(["--bild"]);
    assert.equal(code, 1);
    assert.match(said, /unknown argument "--bild"/);
  });
});
