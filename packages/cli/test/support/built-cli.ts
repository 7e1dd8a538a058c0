import { execFileSync, spawn } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../../..");
export const LAUNCHER: string = join(ROOT, "packages/cli/bin/nex.js");

/** Builds the program if its sources are newer. */
export function buildCli(): void {
  const program = join(ROOT, "packages/cli/dist/nex.js");
  const sources = globSync("packages/{cli,client,node,link,protocol}/src/**/*.ts", { cwd: ROOT }).map(
    (file) => statSync(join(ROOT, file)).mtimeMs,
  );
  if (existsSync(program) && statSync(program).mtimeMs >= Math.max(...sources)) return;
  execFileSync(process.execPath, [join(ROOT, "scripts/build.js"), "--bundles"], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Which Node runs the launcher. Default: this one. */
  readonly node?: string;
}

/** Runs `nex` through its launcher, with nothing of the tester's environment but PATH. */
export async function nex(
  args: readonly string[],
  { env = {}, cwd = ROOT, input = "", node = process.execPath }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(node, [LAUNCHER, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => undefined).end(input);
  const [exit, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, failed) => {
    child.on("error", failed).on("close", (...ended) => done(ended));
  });
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exit, signal };
}

/** A Node on the PATH that is too old for nex itself; `undefined` if there is none. */
export function olderNode(): string | undefined {
  const programs = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "node"));
  return programs.find((program) => {
    if (!existsSync(program)) return false;
    const major = Number(/^v(\d+)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[1]);
    return major >= 20 && major < 26;
  });
}
