import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { readText, writeAtomically } from "./files.js";
import { nodeProgram } from "./packages.js";
import { run } from "./program.js";

const IMAGE = "machine-image";
/** Written last, so that an image it lies beside is whole. */
const STAMP = "inputs";

/** True if the image for the tests has in it what it would have now. @param {string} root @param {string} tools */
export function isMachineImageCurrent(root, tools) {
  if (process.platform !== "linux" || process.arch !== "x64") return true;
  return readText(path.join(tools, IMAGE, STAMP)) === hashInputs(root);
}

/** @param {string} root @param {string} tools @returns {Promise<void>} */
export async function buildMachineImage(root, tools) {
  const inputs = hashInputs(root);
  const output = path.join(tools, IMAGE);
  fs.rmSync(path.join(output, STAMP), { force: true });
  await run(nodeProgram(root), [path.join(root, "packages/cli/dist/nex.js"), "image", "build", "--output", output], {
    cwd: root,
    // Debian's packages are kept between builds, where the tests of the image look for them too.
    env: { ...process.env, XDG_CACHE_HOME: path.join(tools, "cache") },
  });
  writeAtomically(path.join(output, STAMP), inputs);
}

/** What comes from this clone; Debian's packages change so rarely that they do not count. @param {string} root */
function hashInputs(root) {
  const hash = createHash("sha256");
  const own = ["src", "files"].flatMap((part) =>
    fs
      .readdirSync(path.join(root, "packages/image", part), { recursive: true })
      .map((file) => `packages/image/${part}/${String(file)}`)
      .sort(),
  );
  const bundles = ["packages/agent/dist/nex-agent.cjs", "packages/agent/dist/nex-runner.cjs"];
  for (const file of [...bundles, ...own]) {
    const whole = path.join(root, file);
    if (fs.statSync(whole, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const content = fs.readFileSync(whole);
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  const node = fs.statSync(nodeProgram(root), { throwIfNoEntry: false });
  return hash.update(`${node?.size} ${node?.mtimeMs}`).digest("hex");
}
