import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { hasDebianPackages, unpackDebianPackages } from "./debian-packages.js";
import { isExecutable, searchPath } from "./files.js";
import { SetupError, run } from "./program.js";

// musl: the C library that static services are built with.
const PACKAGES = ["clang", "lld", "wasi-libc", "libclang-rt-dev-wasm32", "musl-dev"];
const BY_HAND = `sudo apt-get install --no-install-recommends ${PACKAGES.join(" ")}`;

/** What clang's package wants for programs of this machine. None of it goes into a WebAssembly module. */
const NOT_NEEDED =
  /^(?:lib(?:gcc-|stdc\+\+-|objc|gc1$|c6-|c-dev|asan|ubsan).*|gcc.*|cpp.*|binutils.*|linux-libc-dev|.*-doc)$/;

/**
 * The C compiler that the tests use, for WebAssembly and for static services: in `.tools`, where this set-up puts it, or the system's.
 * @typedef {{ clang: string, sysroot: string, env: NodeJS.ProcessEnv }} CCompiler
 */

/** Looks in the same places as `packages/testing`. @param {string} tools @returns {CCompiler | undefined} */
export function findCCompiler(tools) {
  return findBelow(path.join(tools, "cc")) ?? findInstalled();
}

/** @param {string} root @returns {CCompiler | undefined} */
function findBelow(root) {
  const usr = path.join(root, "usr");
  const llvm = list(path.join(usr, "lib")).find((name) => /^llvm-\d+$/.test(name));
  if (llvm === undefined || !hasWasiLibrary(usr) || !hasMusl(usr)) return undefined;
  const home = path.join(usr, "lib", llvm);
  const libraries = [path.join(home, "lib"), ...list(path.join(usr, "lib")).map((name) => path.join(usr, "lib", name))];
  return {
    clang: path.join(home, "bin/clang"),
    sysroot: usr,
    env: {
      ...process.env,
      PATH: [path.join(home, "bin"), path.join(usr, "bin"), ...searchPath()].join(path.delimiter),
      LD_LIBRARY_PATH: libraries.join(path.delimiter),
    },
  };
}

/** @returns {CCompiler | undefined} */
function findInstalled() {
  const [clang, linker] = ["clang", "wasm-ld"].map((name) =>
    searchPath()
      .map((directory) => path.join(directory, name))
      .find(isExecutable),
  );
  if (clang === undefined || linker === undefined || !hasWasiLibrary("/usr") || !hasMusl("/usr")) return undefined;
  return { clang, sysroot: "/usr", env: process.env };
}

/** The C library, and for the compiler that goes with it the functions that it calls by itself. @param {string} usr */
function hasWasiLibrary(usr) {
  if (!fs.existsSync(path.join(usr, "lib/wasm32-wasi/libc.a"))) return false;
  return list(path.join(usr, "lib")).some((llvm) =>
    list(path.join(usr, "lib", llvm, "lib/clang")).some((version) =>
      fs.existsSync(path.join(usr, "lib", llvm, "lib/clang", version, "lib/wasi/libclang_rt.builtins-wasm32.a")),
    ),
  );
}

/** @param {string} usr */
function hasMusl(usr) {
  return list(path.join(usr, "lib")).some(
    (name) => fs.existsSync(path.join(usr, "lib", name, "crt1.o")) && name.endsWith("-linux-musl"),
  );
}

/** Unpacks Debian's packages below `tools`. @param {string} tools @returns {Promise<string>} */
export async function fetchCCompiler(tools) {
  const work = path.join(tools, "cc.partial");
  try {
    if (!hasDebianPackages()) throw new SetupError("this system has no Debian packages.");
    fs.rmSync(work, { recursive: true, force: true });
    const unpacked = await unpackDebianPackages(work, choosePackages);
    verify(unpacked);
    fs.rmSync(path.join(tools, "cc"), { recursive: true, force: true });
    fs.renameSync(unpacked, path.join(tools, "cc"));
    return "into .tools";
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SetupError(
      `The C compiler, which the tests need, could not be fetched: ${why}\n\n` +
        `Install it, then run this again:\n\n    ${BY_HAND}\n`,
    );
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** All that is not installed on this system. @param {string[]} options @returns {Promise<string[]>} */
async function choosePackages(options) {
  const plan = await run("apt-get", [...options.filter((option) => option !== "-qq"), ...SIMULATE, ...PACKAGES], {
    cwd: "/",
  });
  return [...plan.matchAll(/^Inst (\S+)/gm)].flatMap(([, name = ""]) => (NOT_NEEDED.test(name) ? [] : [name]));
}

const SIMULATE = ["--simulate", "--no-install-recommends", "install"];

/** Builds the smallest program. @param {string} root */
function verify(root) {
  const found = findBelow(root);
  if (found === undefined) throw new SetupError("the packages do not hold what they should.");
  const { clang, sysroot, env } = found;
  const args = ["--target=wasm32-wasi", `--sysroot=${sysroot}`, "-x", "c", "-", "-o", path.join(root, "verified.wasm")];
  const { status, stderr } = spawnSync(clang, args, { env, input: "int main(void) { return 0; }", encoding: "utf8" });
  fs.rmSync(path.join(root, "verified.wasm"), { force: true });
  if (status !== 0) throw new SetupError(`the compiler in them does not work here: ${stderr}`);
}

/** @param {string} directory */
function list(directory) {
  try {
    return fs.readdirSync(directory).sort();
  } catch {
    return [];
  }
}
