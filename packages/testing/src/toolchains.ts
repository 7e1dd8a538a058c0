import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "./programs.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

/** A compiler that set-up does not fetch: found on this machine, or the reason why not. */
export type Toolchain =
  | { readonly missing: string }
  | { readonly missing: undefined; readonly build: (source: string) => Promise<Buffer> };

/** Go's place for itself, with compiled packages of its library that are kept between runs: the first build takes long. */
const GO_HOME = join(REPOSITORY, ".tools", "go");

/** Go keeps settings, figures and caches in its user's directories; here in one of its own, without the network. */
const GO_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  HOME: GO_HOME,
  XDG_CONFIG_HOME: GO_HOME,
  XDG_CACHE_HOME: GO_HOME,
  GOPATH: join(GO_HOME, "path"),
  GOCACHE: join(GO_HOME, "build"),
  GOTOOLCHAIN: "local",
  GOPROXY: "off",
  GOENV: "off",
};

/** Go, which builds the program in a directory for WASI. */
export function findGo(): Toolchain {
  const version = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8", env: GO_ENVIRONMENT }).stdout;
  const minor = /^go1\.(\d+)/.exec(version ?? "")?.[1];
  if (minor === undefined) return { missing: "there is no go on the PATH; the example needs Go 1.21 or newer" };
  if (Number(minor) < 21) return { missing: `${version.trim()} cannot build for WASI; the example needs Go 1.21` };
  return { missing: undefined, build: buildGo };
}

async function buildGo(directory: string): Promise<Buffer> {
  await using temporary = await temporaryDirectory("nex-go-");
  const output = join(temporary.path, "program.wasm");
  const env = { ...GO_ENVIRONMENT, GOOS: "wasip1", GOARCH: "wasm" };
  await run("go", ["build", "-o", output], { cwd: directory, env });
  return await readFile(output);
}

/** WASI preview 1 by its name since Rust 1.78, and by the one before. */
const RUST_TARGETS = ["wasm32-wasip1", "wasm32-wasi"];

/** Rust with the library of a WASI target, which builds one file. */
export function findRust(): Toolchain {
  const found = RUST_TARGETS.find((target) => {
    const { stdout, status } = spawnSync("rustc", ["--print", "target-libdir", "--target", target], {
      encoding: "utf8",
    });
    return status === 0 && existsSync(stdout.trim());
  });
  if (found !== undefined) return { missing: undefined, build: async (file) => await buildRust(file, found) };
  return { missing: "there is no rustc with the target wasm32-wasip1 (rustup target add wasm32-wasip1)" };
}

async function buildRust(file: string, target: string): Promise<Buffer> {
  await using directory = await temporaryDirectory("nex-rustc-");
  const output = join(directory.path, "program.wasm");
  await run("rustc", ["--edition", "2021", "--target", target, "-O", "-C", "strip=debuginfo", "-o", output, file]);
  return await readFile(output);
}
