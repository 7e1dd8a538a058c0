import { spawn } from "node:child_process";
import path from "node:path";

/** A failure whose message is all the reader needs; anything else shows its stack. */
export class SetupError extends Error {}

export const VERBOSE = process.env["NEX_SETUP_VERBOSE"] === "1";

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** @typedef {{ cwd: string, env?: NodeJS.ProcessEnv }} RunOptions */

/**
 * Runs a program to its end and gives back what it printed on stdout.
 * @param {string} command @param {string[]} args @param {RunOptions} options
 * @returns {Promise<string>}
 * @throws SetupError with what the program said
 */
export function run(command, args, { cwd, env = process.env }) {
  if (VERBOSE) process.stderr.write(`\n$ ${path.basename(command)} ${args.join(" ")}\n`);
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], shell: needsShell(command) });
  running.add(child);
  let stdout = "";
  let everything = "";
  const hear = (/** @type {string} */ text) => {
    everything += text;
    if (VERBOSE) process.stderr.write(text);
  };
  child.stderr.setEncoding("utf8").on("data", hear);
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    hear(text);
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new SetupError(`${command} could not be started: ${error.message}`)));
    child.once("close", (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve(stdout);
      const said = VERBOSE ? "" : `\n${shorten(everything.trim())}`;
      const ended = signal === null ? `code ${code}` : signal;
      reject(new SetupError(`"${path.basename(command)} ${args.join(" ")}" ended with ${ended}.${said}`));
    });
  });
}

/** The beginning says what is wrong, the end how it ended. @param {string} text */
function shorten(text) {
  const lines = text.split("\n");
  return lines.length <= 40 ? text : [...lines.slice(0, 20), "…", ...lines.slice(-20)].join("\n");
}

/** Node starts a `.cmd` only through a shell. @param {string} command */
export function needsShell(command) {
  return command.endsWith(".cmd");
}

/** Ends what we started when we are ended ourselves, and leaves with the exit code a shell expects. */
export function passSignalsOn() {
  for (const [signal, number] of /** @type {const} */ ([
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ])) {
    process.once(signal, () => {
      for (const child of running) child.kill(signal);
      process.exit(128 + number);
    });
  }
}
