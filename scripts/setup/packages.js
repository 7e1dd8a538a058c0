import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isSameDirectory, readJson, searchPath } from "./files.js";
import { SetupError, needsShell, run } from "./program.js";

/** The Node all of Nex runs on; it comes as an npm package without an install script. */
const REQUIRED_NODE = 26;

/** @param {string} root */
export const nodeProgram = (root) =>
  path.join(root, "node_modules/.bin", process.platform === "win32" ? "node.cmd" : "node");

/** @param {string} root */
export function checkPlatform(root) {
  const names = Object.keys(readJson(path.join(root, "package.json"))?.optionalDependencies ?? {});
  const known = names.flatMap((name) => /^node-(?:bin-)?(.+)$/.exec(name)?.[1] ?? []);
  const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  if (known.includes(platform)) return;
  throw new SetupError(
    `There is no package of Node ${REQUIRED_NODE} for ${platform}; there are some for ${known.join(", ")}.`,
  );
}

/**
 * True when node_modules holds what package-lock.json says. Compares contents, not times: npm leaves a lock file of
 * what it really installed, whoever called it, and an install that was cut short leaves none.
 * @param {string} root
 */
export function arePackagesInstalled(root) {
  const wanted = readJson(path.join(root, "package-lock.json"))?.packages;
  if (wanted === undefined)
    throw new SetupError("package-lock.json is missing or broken; restore it from the repository.");
  const installed = readJson(path.join(root, "node_modules/.package-lock.json"))?.packages;
  if (installed === undefined || !fs.existsSync(nodeProgram(root))) return false;
  return Object.entries(wanted).every(([place, { link, version, integrity, optional, peer, resolved }]) => {
    if (!place.includes("node_modules/")) return true;
    const found = installed[place];
    // Those for other platforms are not there, and neither are optional peers.
    if (found === undefined) return optional === true || peer === true;
    if (link === true) return isSameDirectory(path.join(root, place), path.join(root, resolved));
    return found.version === version && found.integrity === integrity;
  });
}

/** @param {string} root @returns {Promise<string>} */
export async function installPackages(root) {
  const [command, ...prefix] = npmCommand(root);
  const flags = [
    "ci",
    "--include=dev",
    "--include=optional",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
  ];
  const PATH = outside(root).join(path.delimiter);
  await run(command, [...prefix, ...flags], { cwd: root, env: { ...process.env, PATH } });

  const node = nodeProgram(root);
  const answer = spawnSync(node, ["--version"], { encoding: "utf8", shell: needsShell(node) });
  const version = /^v(\d+)\.\S+/.exec(answer.stdout ?? "");
  if (Number(version?.[1] ?? 0) >= REQUIRED_NODE) return `and Node ${version?.[0].slice(1)}`;
  throw new SetupError(
    `npm installed no Node ${REQUIRED_NODE} that runs on this ${process.platform}-${process.arch}. It comes as an optional ` +
      `dependency: see whether npm reaches its registry and whether "npm config get omit" says "optional", then run this ` +
      `again. On Linux it needs glibc; Alpine has none.`,
  );
}

/**
 * The npm that called us, on the Node that it runs on. Never one from node_modules, which \`npm ci\` deletes while it
 * works.
 * @param {string} root @returns {[string, ...string[]]}
 */
function npmCommand(root) {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  const usable = node !== undefined && !node.startsWith(path.join(root, "node_modules")) && fs.existsSync(node);
  if (usable && script?.endsWith("npm-cli.js") && fs.existsSync(script)) return [node, script];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}

/** PATH without the clone's own programs. @param {string} root */
function outside(root) {
  return searchPath().filter((directory) => !directory.startsWith(path.join(root, "node_modules")));
}
