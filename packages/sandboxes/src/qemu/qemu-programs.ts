import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { NexError } from "@nex/protocol";

export const MACHINE_TYPES = ["microvm", "pc"] as const;
/** `microvm` has no bus to search and no firmware to speak of; `pc` is in every QEMU. */
export type MachineType = (typeof MACHINE_TYPES)[number];

/** What of QEMU is on this machine. */
export interface QemuPrograms {
  readonly qemu: string;
  /** As QEMU says it, with the distribution's own. */
  readonly version: string;
  /** Best first. */
  readonly machines: readonly MachineType[];
  /** Carries one connection of the guest to a Unix socket of the node. */
  readonly socat: string;
}

const SYSTEM_DIRECTORIES = ["/usr/local/bin", "/usr/bin", "/bin"];

/** Looked for in PATH and where systems keep programs. @throws NexError `missing_tool` with the command to install it */
export async function findQemuPrograms(): Promise<QemuPrograms> {
  const qemu = find("qemu-system-x86_64", "qemu-system-x86");
  const socat = find("socat", "socat");
  try {
    const [version, list] = await Promise.all([run(qemu, "--version"), run(qemu, "-machine", "help")]);
    const machines = MACHINE_TYPES.filter((type) => new RegExp(`^${type}\\s`, "m").test(list));
    return { qemu, socat, machines, version: version.split("\n", 1)[0]!.replace(/^.*version /, "") };
  } catch (cause) {
    throw new NexError("missing_tool", `${qemu} does not start: ${(cause as Error).message}`, { cause });
  }
}

function find(program: string, debianPackage: string): string {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_DIRECTORIES];
  for (const directory of directories) {
    if (!directory.startsWith("/")) continue;
    const path = join(directory, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Look further.
    }
  }
  const install = `sudo apt-get install --no-install-recommends ${debianPackage}`;
  throw new NexError("missing_tool", `\`${program}\` is not installed; on Debian: ${install}`, { data: { program } });
}

async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { timeout: 10_000 })).stdout;
}
