/**
 * Checks everything that can be checked without running it. All checks run, even after one has failed; the summary
 * stands at the end.
 *
 *   npm run check
 *   npm run check -- format types     only these
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { styleText } from "node:util";

const ROOT = path.resolve(import.meta.dirname, "..");

/** @typedef {{ name: string, what: string, script: string, args: string[], fix?: string }} Check */

/** @type {readonly Check[]} */
const CHECKS = [
  { name: "types", what: "sources, tests and scripts", script: "typescript/bin/tsc", args: ["-b"] },
  {
    name: "lint",
    what: "with types",
    script: "oxlint/bin/oxlint",
    args: ["--deny-warnings", "--report-unused-disable-directives"],
    fix: "node_modules/.bin/oxlint --fix",
  },
  {
    name: "format",
    what: "line width 120",
    script: "oxfmt/bin/oxfmt",
    args: ["--check"],
    fix: "node_modules/.bin/oxfmt",
  },
  {
    name: "unused",
    what: "files, exports, dependencies",
    script: "knip/bin/knip.js",
    args: ["--no-progress", "--no-config-hints"],
  },
];

/** @param {Check} check */
function runCheck({ name, what, script, args, fix }) {
  process.stdout.write(`${styleText("bold", `▶ ${name}`)} (${what})\n`);
  const began = performance.now();
  const program = path.join(ROOT, "node_modules", script);
  const { status } = spawnSync(process.execPath, [program, ...args], { cwd: ROOT, stdio: "inherit" });
  const passed = status === 0;
  if (!passed && fix !== undefined) process.stdout.write(`  What can be repaired by itself: ${fix}\n`);
  return { name, passed, seconds: (performance.now() - began) / 1000 };
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !CHECKS.some((check) => check.name === name));
if (unknown === undefined) {
  const results = CHECKS.filter(({ name }) => wanted.length === 0 || wanted.includes(name)).map(runCheck);
  process.stdout.write("\n");
  for (const { name, passed, seconds } of results) {
    const line = `${passed ? "✔" : "✖"} ${name.padEnd(8)}${seconds.toFixed(1).padStart(6)} s`;
    process.stdout.write(`${styleText(passed ? "green" : "red", line)}\n`);
  }
  process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
} else {
  process.stderr.write(`There is no check "${unknown}"; there are ${CHECKS.map(({ name }) => name).join(", ")}.\n`);
  process.exitCode = 2;
}
