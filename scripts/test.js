/**
 * Runs the tests, then looks for what they left behind: processes, files, sockets. Leftovers fail the run. The last
 * line is `N passed, N failed`; tests that only hold other tests are not counted.
 *
 *   npm test                        every test
 *   npm test -- link headers        test files whose path contains "link" or "headers"
 *   npm test -- --name "deadline"   tests whose name matches, in any file
 *   npm test -- --timeout 20        seconds that one file may take, instead of 180; four times that with machines to emulate
 */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs, styleText } from "node:util";
import { FileDeadline } from "./test/file-deadline.js";
import { LeafCounter } from "./test/leaf-counter.js";
import { ProcessWatch } from "./test/process-watch.js";

const ROOT = path.resolve(import.meta.dirname, "..");
const TEST_FILES = ["packages/*/test/**/*.test.ts", "examples/*/test/**/*.test.ts", "test/**/*.test.ts"];
const DEFAULT_FILE_TIMEOUT_S = "180";
/** In these there are virtual machines, which may have to be emulated: they may take so many times as long. */
const SLOW_FILES = /qemu/;
const SLOWER = 4;
/** What was told to end when the last test ended may take this long. */
const END_GRACE_MS = 3000;

/**
 * Gives the tests a world of their own: a temporary directory that must be empty at the end, no configuration of
 * whoever runs them, and a mark by which their processes are known.
 * @param {string} mark @param {string} directory
 */
function isolateEnvironment(mark, directory) {
  for (const name of Object.keys(process.env)) {
    if (/^(NATS_|NEX_|XDG_)/.test(name) && name !== "NEX_NATS_SERVER") delete process.env[name];
  }
  const fetched = path.join(ROOT, ".tools/usr/sbin/nats-server");
  if (!process.env["NEX_NATS_SERVER"] && fs.existsSync(fetched)) process.env["NEX_NATS_SERVER"] = fetched;
  process.env["NEX_TEST_RUN"] = mark;
  process.env["TMPDIR"] = directory;
  // None of these exist: a test that uses the user's own places leaves one of them behind and is found out.
  for (const kind of ["CONFIG", "STATE", "DATA", "CACHE"])
    process.env[`XDG_${kind}_HOME`] = path.join(directory, `xdg-${kind.toLowerCase()}`);
  process.env["XDG_RUNTIME_DIR"] = path.join(directory, "xdg-runtime");
}

/** @param {string[]} filters @returns {string[]} */
function findTests(filters) {
  const files = TEST_FILES.flatMap((pattern) =>
    fs.globSync(pattern, { cwd: ROOT, exclude: ["**/node_modules/**"] }),
  ).sort();
  if (filters.length === 0) return files;
  return files.filter((file) => filters.some((filter) => file.includes(filter)));
}

/**
 * @param {string[]} files @param {string | undefined} namePattern @param {FileDeadline} deadline
 * @param {AbortSignal} signal
 * @returns {Promise<LeafCounter>}
 */
async function runTests(files, namePattern, deadline, signal) {
  const counter = new LeafCounter(ROOT, namePattern !== undefined);
  const tests = run({
    cwd: ROOT,
    files: files.map((file) => path.join(ROOT, file)),
    execArgv: ["--conditions=@nex/source"],
    concurrency: 2,
    signal,
    ...(namePattern === undefined ? {} : { testNamePatterns: [new RegExp(namePattern, "i")] }),
  });
  tests.on("data", (event) => {
    counter.see(event);
    deadline.see(event);
  });
  for await (const text of tests.compose(spec)) process.stdout.write(text);
  return counter;
}

/** @param {ProcessWatch} watch @param {string} directory @returns {Promise<string[]>} */
async function findLeftovers(watch, directory) {
  const files = () => fs.readdirSync(directory).map((name) => `file or directory ${path.join(directory, name)}`);
  const giveUp = performance.now() + END_GRACE_MS;
  while (watch.find().length > 0 && performance.now() < giveUp) await new Promise((resolve) => setTimeout(resolve, 50));
  const processes = watch.find();
  const found = [...processes.map(({ pid, command }) => `process ${pid}: ${command}`), ...files()];
  for (const left of processes) watch.kill(left);
  return found;
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { name: { type: "string", short: "t" }, timeout: { type: "string", default: DEFAULT_FILE_TIMEOUT_S } },
    allowPositionals: true,
  });
  const timeoutMs = Number(values.timeout) * 1000;
  if (!(timeoutMs > 0)) throw new Error(`--timeout takes a number of seconds, not "${values.timeout}"`);
  const files = findTests(positionals);
  if (files.length === 0) {
    process.stderr.write(
      `No test file's path contains ${positionals.map((filter) => `"${filter}"`).join(" or ") || ".test.ts"}.\n`,
    );
    return false;
  }

  const mark = randomBytes(6).toString("hex");
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "nex-test-"));
  // Where the node is root its sandboxes have users of their own, who must get through.
  fs.chmodSync(directory, 0o711);
  isolateEnvironment(mark, directory);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());

  const watch = new ProcessWatch(mark, directory);
  try {
    const deadline = new FileDeadline(ROOT, (file) => (SLOW_FILES.test(file) ? SLOWER : 1) * timeoutMs, watch);
    const counter = await runTests(files, values.name, deadline, stop.signal);
    const leftovers = await findLeftovers(watch, directory);
    return report(counter, leftovers);
  } finally {
    watch.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {LeafCounter} counter @param {string[]} leftovers @returns {boolean} */
function report({ passed, failed, skipped, empty }, leftovers) {
  const complain = (/** @type {string} */ text) => process.stdout.write(`${styleText("red", text)}\n`);
  for (const file of empty) complain(`✖ ${file} holds no test`);
  if (leftovers.length > 0) complain(`✖ The tests left behind:\n${leftovers.map((what) => `    ${what}`).join("\n")}`);
  if (passed + failed === 0) complain("✖ No test ran.");
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
  const failures = failed + empty.length + (leftovers.length > 0 ? 1 : 0);
  process.stdout.write(`${passed} passed, ${failures} failed\n`);
  return failures === 0 && passed > 0;
}

process.exitCode = (await main()) ? 0 : 1;
