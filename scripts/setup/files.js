import fs from "node:fs";
import path from "node:path";

/** @param {string} file @returns {string | undefined} */
export function readText(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** @param {string} file @returns {any} `undefined` for a file that is missing or no JSON */
export function readJson(file) {
  try {
    return JSON.parse(readText(file) ?? "");
  } catch {
    return undefined;
  }
}

/** @param {string} file @param {string} text */
export function writeAtomically(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.${process.pid}`, text);
  fs.renameSync(`${file}.${process.pid}`, file);
}

/** @param {string} left @param {string} right */
export function isSameDirectory(left, right) {
  try {
    return fs.realpathSync(left) === fs.realpathSync(right);
  } catch {
    return false;
  }
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Directories of PATH. @returns {string[]} */
export function searchPath() {
  return (process.env["PATH"] ?? "").split(path.delimiter).filter((directory) => directory !== "");
}
