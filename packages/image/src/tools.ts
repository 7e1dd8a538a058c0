import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { NexError } from "@nex/protocol";

/** Programs that a build calls, and the Debian packages they are in. */
const PACKAGES = {
  "apt-get": "apt",
  debugfs: "e2fsprogs",
  "dpkg-deb": "dpkg",
  "mkfs.ext4": "e2fsprogs",
  tar: "tar",
  xz: "xz-utils",
} as const;

export type Tool = keyof typeof PACKAGES;

/** Debian leaves these out of the PATH of ordinary users. */
const SYSTEM_DIRECTORIES: readonly string[] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where programs are looked for: PATH, then the system's directories. */
function searchPath(): readonly string[] {
  return [...(process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute), ...SYSTEM_DIRECTORIES];
}

export function findProgram(name: string, directories: readonly string[] = searchPath()): string | undefined {
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

/** Looks for all of them at once, so that one command installs whatever is missing. @throws NexError `missing_tool` */
export function requireTools(tools: readonly Tool[], directories: readonly string[] = searchPath()): void {
  const missing = tools.filter((tool) => findProgram(tool, directories) === undefined);
  if (missing.length === 0) return;
  const data = { tools: missing };
  if (missing.includes("apt-get") || missing.includes("dpkg-deb")) {
    throw new NexError(
      "missing_tool",
      "This machine has no apt-get and dpkg-deb, and images are made of Debian packages. Build the image on a Debian machine or in a container of one, and copy it here.",
      { data },
    );
  }
  const asRoot = process.getuid?.() === 0 ? "" : "sudo ";
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].sort();
  throw new NexError(
    "missing_tool",
    `An image cannot be built without ${missing.join(", ")}. Install what is missing with: ${asRoot}apt-get install --yes --no-install-recommends ${packages.join(" ")}`,
    { data },
  );
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Output of a program to stdout. @throws NexError `image_failed` with what the program says */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, signal } = options;
  const found = isAbsolute(program) ? program : (findProgram(program) ?? program);
  return await new Promise((resolve, reject) => {
    execFile(
      found,
      args,
      {
        ...(cwd === undefined ? {} : { cwd }),
        ...(signal === undefined ? {} : { signal }),
        // Messages are read by `apt.ts`: not in the user's language.
        env: { ...process.env, LC_ALL: "C", ...env },
        maxBuffer: 64 * 1024 * 1024,
      },
      (cause, stdout, stderr) => {
        if (cause === null) return resolve(stdout);
        if (signal?.aborted === true) return reject(new NexError("cancelled", "The build was stopped.", { cause }));
        const said = stderr.trim().split("\n").slice(-5).join("\n") || cause.message;
        reject(new NexError("image_failed", `${program} failed: ${said}`, { cause, data: { program } }));
      },
    );
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
