import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { devNull, tmpdir } from "node:os";
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
  const found = { clang, sysroot: "/usr", env: process.env };
  // The parts may be of versions that do not go together.
  return buildsSmallest(found) === undefined ? found : undefined;
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

/** What makes up the compiler: of these the unpacked tree needs all, whatever of them the system has in whichever version. */
const OWN = /^(?:clang|lld|llvm|libclang|libllvm|musl|wasi-libc)/;

/**
 * Packages that the unpacked tree needs: its own parts, as a system without any would get them, and of what they use
 * the libraries that this system does not have. apt is not asked with what is installed: it plans nothing at all where
 * an installation was broken off.
 * @param {string[]} options of apt-get
 * @param {string[]} [queryOptions] of dpkg-query
 * @returns {Promise<string[]>}
 */
export async function choosePackages(options, queryOptions = []) {
  const audible = options.filter((option) => option !== "-qq");
  const nothingInstalled = ["-o", `Dir::State::status=${devNull}`];
  const [plan, states] = await Promise.all([
    run("apt-get", [...audible, ...nothingInstalled, ...SIMULATE, ...PACKAGES], { cwd: "/" }),
    run("dpkg-query", [...queryOptions, "--show", "--showformat=${Package} ${db:Status-Status}\n"], { cwd: "/" }),
  ]);
  const installed = new Set([...states.matchAll(/^(\S+) installed$/gm)].map(([, name]) => name));
  return [...plan.matchAll(/^Inst (\S+)/gm)]
    .flatMap(([, name = ""]) => (NOT_NEEDED.test(name) || (installed.has(name) && !OWN.test(name)) ? [] : [name]))
    .sort();
}

const SIMULATE = ["--simulate", "--no-install-recommends", "install"];

/** @param {string} root */
function verify(root) {
  const found = findBelow(root);
  if (found === undefined) throw new SetupError("the packages do not hold what they should.");
  const said = buildsSmallest(found);
  if (said !== undefined) throw new SetupError(`the compiler in them does not work here: ${said}`);
}

/** Builds the smallest program. @param {CCompiler} compiler @returns {string | undefined} what went wrong */
function buildsSmallest({ clang, sysroot, env }) {
  const directory = fs.mkdtempSync(path.join(tmpdir(), "nex-cc-"));
  try {
    const out = path.join(directory, "verified.wasm");
    const args = ["--target=wasm32-wasi", `--sysroot=${sysroot}`, "-x", "c", "-", "-o", out];
    const { status, stderr } = spawnSync(clang, args, { env, input: "int main(void) { return 0; }", encoding: "utf8" });
    return status === 0 ? undefined : stderr;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {string} directory */
function list(directory) {
  try {
    return fs.readdirSync(directory).sort();
  } catch {
    return [];
  }
}
