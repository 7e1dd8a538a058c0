import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { toNexError } from "@nex/protocol";
import { findProgram } from "@nex/system";
import { type Check, missing, passed } from "../check.ts";
import type { SandboxConfig } from "../sandbox.ts";
import { readMachineImage } from "../vm/machine-image.ts";
import { findCgroups } from "./cgroup.ts";
import { checkKvm } from "./kvm.ts";
import { SYSTEM_TOOLS } from "./system-tool.ts";

/** From 1.8 on devices are described by ACPI, and the image's kernel knows no other way. */
const OLDEST = [1, 8] as const;

const RELEASES =
  "Take both from one release of 1.8 or later at https://github.com/firecracker-microvm/firecracker/releases, unpack them to /usr/local/bin/firecracker and /usr/local/bin/jailer, or name them with firecracker.binary and firecracker.jailer in the node's config.";

/** Paths of the programs, as far as they are known. */
export function findFirecracker({ firecracker }: SandboxConfig): {
  readonly binary?: string;
  readonly jailer?: string;
} {
  const binary = firecracker.binary ?? findProgram("firecracker");
  const jailer = firecracker.jailer ?? findProgram("jailer");
  return { ...(binary === undefined ? {} : { binary }), ...(jailer === undefined ? {} : { jailer }) };
}

/** Everything Firecracker needs of this machine, in the order in which one would see to it. */
export async function checkFirecracker(config: SandboxConfig): Promise<Check[]> {
  const { binary, jailer } = findFirecracker(config);
  const versions = await Promise.all([versionOf(binary), versionOf(jailer)]);
  return [
    checkSystem(),
    await checkKvm(),
    checkProgram("firecracker", binary, versions[0]),
    checkJailer(jailer, versions),
    ...Object.keys(SYSTEM_TOOLS).map(checkTool),
    checkTun(),
    checkCgroups(),
    await checkImage(config.imageDirectory),
  ];
}

function checkSystem(): Check {
  const isRoot = process.getuid?.() === 0;
  if (process.platform !== "linux") return missing("root", "Firecracker runs on Linux only", "Use a Linux machine.");
  if (isRoot) return passed("root", "the node is root");
  return missing(
    "root",
    "the node is not root, so it cannot make network devices, users and jails for its machines",
    "Start the node as root.",
  );
}

function checkProgram(name: string, path: string | undefined, version: string | undefined): Check {
  if (path === undefined) return missing(name, `${name} is not installed`, RELEASES);
  if (version === undefined) return missing(name, `${path} is not a ${name} that can be run`, RELEASES);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return missing(
      name,
      `${path} is version ${version}, and ${OLDEST.join(".")} is the oldest that can be used`,
      RELEASES,
    );
  }
  if (name === "firecracker" && !basename(path).includes("firecracker")) {
    return missing(name, `${path} has a name without "firecracker" in it, which the jailer refuses`, "Rename it.");
  }
  return passed(name, `${path}, version ${version}`);
}

function checkJailer(path: string | undefined, [firecracker, jailer]: readonly (string | undefined)[]): Check {
  const check = checkProgram("jailer", path, jailer);
  if (!check.ok || firecracker === undefined || firecracker === jailer) return check;
  return missing("jailer", `${path} is version ${jailer}, but firecracker is ${firecracker}`, RELEASES);
}

function checkTool(name: string): Check {
  const path = findProgram(name);
  if (path !== undefined) return passed(name, path);
  return missing(name, `${name} is not installed`, `apt-get install ${SYSTEM_TOOLS[name]}`);
}

function checkTun(): Check {
  if (existsSync("/dev/net/tun")) return passed("tun", "/dev/net/tun is there");
  return missing("tun", "there is no /dev/net/tun", "Load the kernel module tun: modprobe tun");
}

function checkCgroups(): Check {
  const found = findCgroups();
  if (found !== undefined) return passed("cgroups", `version ${found.version}, with cpu, memory and pids`);
  return missing(
    "cgroups",
    "no control groups with cpu, memory and pids are mounted",
    "Boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2 at /sys/fs/cgroup.",
  );
}

async function checkImage(directory: string): Promise<Check> {
  try {
    await readMachineImage(directory);
    return passed("image", directory);
  } catch (error) {
    return missing("image", toNexError(error).message, "nex image build");
  }
}

/** `undefined` if it cannot be run or does not say. */
async function versionOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const child = spawn(path, ["--version"], { stdio: ["ignore", "pipe", "ignore"], env: {}, timeout: 10_000 });
  child.on("error", () => undefined);
  return /v(\d+\.\d+\.\d+)/.exec(await text(child.stdout))?.[1];
}
