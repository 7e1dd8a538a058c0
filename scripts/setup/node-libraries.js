import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { installDebianPackages } from "./debian-packages.js";

/** Node 26 is linked with it, older ones are not; Debian's smallest systems come without. */
const LIBRARY = "libatomic.so.1";
const PACKAGE = "libatomic1";

const TRIPLETS = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** Whether the loader will find what the Node that npm brings needs besides the C library. */
export function hasNodeLibraries() {
  if (process.platform !== "linux") return true;
  const triplet = /** @type {Record<string, string>} */ (TRIPLETS)[process.arch];
  const directories = ["lib", "lib64", ...(triplet === undefined ? [] : [`lib/${triplet}`])];
  const named = (process.env["LD_LIBRARY_PATH"] ?? "").split(":").filter(path.isAbsolute);
  const places = [...directories.flatMap((directory) => [`/usr/${directory}`, `/${directory}`]), ...named];
  if (places.some((place) => fs.existsSync(path.join(place, LIBRARY)))) return true;
  return (spawnSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" }).stdout ?? "").includes(LIBRARY);
}

/** @returns {Promise<string>} */
export async function installNodeLibraries() {
  return await installDebianPackages([PACKAGE], "Node 26 needs a library that could not be installed");
}
