/**
 * Compiles the packages (`tsc -b`) and bundles the programs (esbuild). The last line on stdout is a JSON list of the
 * bundles made; set-up reads it.
 *
 *   node scripts/build.js              everything
 *   node scripts/build.js --bundles    only the programs: all that tests and the demo need, because the packages
 *                                      run from their sources
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";

const ROOT = path.resolve(import.meta.dirname, "..");

/** @type {esbuild.BuildOptions} */
const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  conditions: ["@nex/source"],
  legalComments: "none",
  logLevel: "warning",
  write: false,
};

/** @typedef {{ entry: string, output: string, options: esbuild.BuildOptions }} Program */

/** Agent and runner are one file each: they are copied into sandboxes that hold nothing else. */
const SINGLE_FILE = /** @type {const} */ ({ format: "cjs", target: "node26" });

/** @type {readonly Program[]} */
const PROGRAMS = [
  { entry: "packages/agent/src/main.ts", output: "packages/agent/dist/nex-agent.cjs", options: SINGLE_FILE },
  { entry: "packages/agent/src/runner/main.ts", output: "packages/agent/dist/nex-runner.cjs", options: SINGLE_FILE },
  // A released CLI brings its own copies; in the workspace they are the same.
  { entry: "packages/agent/src/main.ts", output: "packages/cli/dist/nex-agent.cjs", options: SINGLE_FILE },
  { entry: "packages/agent/src/runner/main.ts", output: "packages/cli/dist/nex-runner.cjs", options: SINGLE_FILE },
  {
    entry: "packages/cli/src/main.ts",
    output: "packages/cli/dist/nex.js",
    options: {
      format: "esm",
      target: "node26",
      // It bundles functions for `nex run`, and has a program of its own that cannot be bundled.
      external: ["esbuild"],
      // CommonJS packages inside the bundle require Node's own modules.
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);',
      },
    },
  },
];

/** Files that programs read at run time, copied beside their bundle. */
const COPIES = [{ from: "packages/image/files", to: "packages/cli/dist/image-files" }];

/** Bundles one program. The file appears by a rename, so that whoever starts it meanwhile never reads half of it. */
async function bundle(/** @type {Program} */ { entry, output, options }) {
  const { outputFiles } = await esbuild.build({ ...COMMON, ...options, entryPoints: [entry], outfile: output });
  const [made] = outputFiles ?? [];
  if (made === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  const file = path.join(ROOT, output);
  const mode = made.text.startsWith("#!") ? 0o755 : 0o644;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.${process.pid}`, made.contents, { mode });
  fs.renameSync(`${file}.${process.pid}`, file);
}

/** Copies a directory. It appears by a rename too, in the place of the one before. */
function copy(/** @type {{ from: string, to: string }} */ { from, to }) {
  const target = path.join(ROOT, to);
  const made = `${target}.${process.pid}`;
  fs.cpSync(path.join(ROOT, from), made, { recursive: true });
  fs.rmSync(target, { recursive: true, force: true });
  fs.renameSync(made, target);
}

/** Compiles every package, and once more from nothing if files are missing that tsc believes to have written. */
function compile() {
  const arePresent = () =>
    packageNames()
      .flatMap((name) => compiledFiles(name))
      .every((file) => fs.existsSync(file));
  const projects = packageNames().map((name) => `packages/${name}`);
  const succeeded = tsc("-b", ...projects) && (arePresent() || tsc("-b", "--force", ...projects));
  if (!succeeded) throw new Error("tsc reported errors");
}

function tsc(/** @type {string[]} */ ...args) {
  const script = path.join(ROOT, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [script, ...args], { cwd: ROOT, stdio: "inherit" }).status === 0;
}

/** Deletes from each dist what no source or program stands for any more. */
function sweep() {
  const bundles = PROGRAMS.map(({ output }) => path.join(ROOT, output));
  const copies = COPIES.map(({ to }) => path.join(ROOT, to) + path.sep);
  for (const name of packageNames()) {
    const dist = path.join(ROOT, "packages", name, "dist");
    if (!fs.existsSync(dist)) continue;
    const expected = new Set([...compiledFiles(name), ...bundles]);
    for (const entry of fs.readdirSync(dist, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const isExpected = expected.has(file) || copies.some((directory) => file.startsWith(directory));
      if (!entry.isDirectory() && !isExpected) fs.rmSync(file);
    }
    removeEmptyDirectories(dist);
  }
}

/** What tsc writes for the sources of a package. */
function compiledFiles(/** @type {string} */ name) {
  const source = path.join(ROOT, "packages", name, "src");
  if (!fs.existsSync(source)) return [];
  const files = /** @type {string[]} */ (fs.readdirSync(source, { recursive: true }));
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join(ROOT, "packages", name, "dist", file.slice(0, -".ts".length)))
    .flatMap((stem) => [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`]);
}

function removeEmptyDirectories(/** @type {string} */ directory) {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyDirectories(path.join(directory, entry.name));
  }
  if (fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
}

function packageNames() {
  const packages = path.join(ROOT, "packages");
  return fs.readdirSync(packages).filter((name) => fs.existsSync(path.join(packages, name, "tsconfig.json")));
}

async function main() {
  sweep();
  await Promise.all(PROGRAMS.map(bundle));
  for (const directory of COPIES) copy(directory);
  if (!process.argv.includes("--bundles")) compile();
  process.stdout.write(`${JSON.stringify(PROGRAMS.map(({ output }) => output))}\n`);
}

try {
  await main();
} catch (thrown) {
  // esbuild and tsc have said already where the fault is.
  process.stderr.write(`build: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
}
