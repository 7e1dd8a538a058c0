import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { NexError } from "@nex/protocol";

/** Debian keeps servers here, and leaves these out of the PATH of ordinary users. */
const SYSTEM_DIRECTORIES: readonly string[] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

/** Path of an executable on PATH or in the system's directories. */
export function findProgram(name: string): string | undefined {
  const fromPath = (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  const fileName = process.platform === "win32" ? `${name}.exe` : name;
  return [...fromPath, ...SYSTEM_DIRECTORIES].map((directory) => join(directory, fileName)).find(isExecutable);
}

/** @throws NexError `missing_tool` */
export function natsServerProgram(named: string | undefined): string {
  const chosen = named ?? (process.env["NEX_NATS_SERVER"] || undefined);
  const found = chosen ?? findProgram("nats-server");
  if (found !== undefined && isExecutable(found)) return found;
  const what = chosen === undefined ? "nats-server is not installed" : `${chosen} is not a program that can be run`;
  throw new NexError(
    "missing_tool",
    `${what}, so no embedded NATS server can be started. Install it with: ${installCommand()} — or name a running server with --server.`,
    { data: { tool: "nats-server", ...(chosen === undefined ? {} : { path: chosen }) } },
  );
}

function installCommand(): string {
  if (process.platform === "darwin") return "brew install nats-server";
  const asRoot = process.getuid?.() === 0 ? "" : "sudo ";
  return `${asRoot}apt-get install --yes --no-install-recommends nats-server`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
