import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { readJson, writeAtomically } from "./files.js";
import { nodeProgram } from "./packages.js";
import { run } from "./program.js";

/** @param {string} root */
const stampFile = (root) => path.join(root, ".tools/build-stamp.json");

/** True when nothing a build reads has changed since the last one and all it made is there. @param {string} root */
export function isBuildCurrent(root) {
  const stamp = readJson(stampFile(root));
  if (!Array.isArray(stamp?.outputs) || stamp.inputs !== hashInputs(root)) return false;
  return stamp.outputs.every((/** @type {string} */ output) => fs.existsSync(path.join(root, output)));
}

/** @param {string} root @param {"bundles" | "everything"} extent */
export async function build(root, extent) {
  const inputs = hashInputs(root);
  const flags = extent === "bundles" ? ["--bundles"] : [];
  const said = await run(nodeProgram(root), [path.join(root, "scripts/build.js"), ...flags], { cwd: root });
  // The last line of the build lists what it made.
  const outputs = JSON.parse(said.trim().split("\n").at(-1) ?? "");
  writeAtomically(stampFile(root), `${JSON.stringify({ inputs, outputs })}\n`);
}

/** By content, so that a checkout that only touches files costs nothing. @param {string} root */
function hashInputs(root) {
  const hash = createHash("sha256");
  for (const file of inputFiles(root)) {
    const content = fs.readFileSync(path.join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** @param {string} root @returns {string[]} */
function inputFiles(root) {
  const packages = fs.readdirSync(path.join(root, "packages")).sort();
  const inPackages = packages.flatMap((name) => {
    const manifest = `packages/${name}/package.json`;
    const sources = filesBelow(root, `packages/${name}/src`).filter((file) => path.extname(file) !== "");
    return [manifest, ...sources, ...filesBelow(root, `packages/${name}/files`)];
  });
  const all = ["package-lock.json", "tsconfig.base.json", "scripts/build.js", ...inPackages];
  return all.filter((file) => fs.statSync(path.join(root, file), { throwIfNoEntry: false })?.isFile() === true);
}

/** @param {string} root @param {string} directory @returns {string[]} */
function filesBelow(root, directory) {
  if (!fs.existsSync(path.join(root, directory))) return [];
  const found = fs.readdirSync(path.join(root, directory), { recursive: true });
  return found.map((file) => `${directory}/${String(file)}`).sort();
}
