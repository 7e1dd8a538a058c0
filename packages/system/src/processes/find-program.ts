import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Debian keeps servers here, and leaves these out of the PATH of ordinary users. */
const SYSTEM_DIRECTORIES: readonly string[] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

/** Path of an executable on PATH or in the system's directories. */
export function findProgram(name: string): string | undefined {
  const fromPath = (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  const fileName = process.platform === "win32" ? `${name}.exe` : name;
  return [...fromPath, ...SYSTEM_DIRECTORIES].map((directory) => join(directory, fileName)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
