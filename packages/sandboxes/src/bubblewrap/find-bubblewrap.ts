import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** @param named by the operator or the set-up, and preferred */
export function findBubblewrap(named: string | undefined): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  const places = directories.filter((directory) => directory !== "").map((directory) => join(directory, "bwrap"));
  return [...(named === undefined ? [] : [named]), ...places].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
