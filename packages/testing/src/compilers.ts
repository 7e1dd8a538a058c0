import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "./programs.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

/** Builds a WASI command from one C source, with names for its stacks and without debug information. */
export async function buildC(source: string, flags: readonly string[] = []): Promise<Buffer> {
  const { clang, sysroot, env } = cCompiler();
  await using directory = await temporaryDirectory("nex-clang-");
  const input = join(directory.path, "program.c");
  const output = join(directory.path, "program.wasm");
  await writeFile(input, source);
  const target = ["--target=wasm32-wasi", `--sysroot=${sysroot}`];
  await run(clang, [...target, "-O1", "-Wall", "-Werror", ...flags, input, "-o", output], { env });
  return await readFile(output);
}

/** Builds a static program for this machine from one C source, into `output`. */
export async function buildStaticProgram(source: string, output: string): Promise<void> {
  const { clang, sysroot, env } = cCompiler();
  const triple = `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-musl`;
  const libraries = join(sysroot, "lib", triple);
  const [start, begin, library, finish] = ["crt1.o", "crti.o", "libc.a", "crtn.o"].map((name) => join(libraries, name));
  const headers = ["-nostdlibinc", "-isystem", join(sysroot, "include", triple)];
  const linking = ["-static", "-nostdlib", "-fuse-ld=lld", "-fno-stack-protector"];
  await run(
    clang,
    [`--target=${triple}`, "-O1", ...headers, ...linking, start!, begin!, source, library!, finish!, "-o", output],
    { env },
  );
}

/** Builds a WASI command from the entry file of an AssemblyScript program. */
export async function buildAssemblyScript(entry: string, flags: readonly string[] = []): Promise<Buffer> {
  const compiler = join(REPOSITORY, "node_modules", "assemblyscript", "bin", "asc.js");
  await using directory = await temporaryDirectory("nex-asc-");
  const output = join(directory.path, "program.wasm");
  // Paths are relative to the project: the compiler refuses those that lead out of it.
  const project = join(entry, "..", "..");
  const relative = entry.slice(project.length + 1);
  await run(process.execPath, [compiler, relative, "--exportStart", "_start", ...flags, "-o", output], {
    cwd: project,
  });
  return await readFile(output);
}

/** Why there is no C compiler, or `undefined` if there is one. */
export function missingCCompiler(): string | undefined {
  try {
    cCompiler();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

interface CCompiler {
  readonly clang: string;
  readonly sysroot: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Where set-up has put the compiler, or else the system's. The same places as in `scripts/setup/c-compiler.js`. */
function cCompiler(): CCompiler {
  // npm's programs aside: clang would hand its output to a `wasm-opt` among them, which drops the names.
  const searchPath = (process.env["PATH"] ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  const usr = join(REPOSITORY, ".tools", "cc", "usr");
  const libraries = existsSync(usr) ? readdirSync(join(usr, "lib")) : [];
  const llvm = libraries.find((name) => /^llvm-\d+$/.test(name));
  if (llvm !== undefined) {
    const home = join(usr, "lib", llvm);
    const env = {
      ...process.env,
      PATH: [join(home, "bin"), join(usr, "bin"), ...searchPath].join(delimiter),
      LD_LIBRARY_PATH: [join(home, "lib"), ...libraries.map((name) => join(usr, "lib", name))].join(delimiter),
    };
    return { clang: join(home, "bin", "clang"), sysroot: usr, env };
  }
  const clang = searchPath.map((directory) => join(directory, "clang")).find(isExecutable);
  if (clang === undefined) {
    throw new Error("There is no C compiler. Fetch it with: node scripts/setup.js --tests");
  }
  return { clang, sysroot: "/usr", env: { ...process.env, PATH: searchPath.join(delimiter) } };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
