import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { choosePackages } from "../scripts/setup/c-compiler.js";
import { hasDebianPackages } from "../scripts/setup/debian-packages.js";

/** Name, version and what it depends on, of a small archive in the shape of Debian's. */
const ARCHIVE: readonly (readonly [name: string, version: string, ...depends: string[]])[] = [
  ["clang", "14", "clang-14"],
  [
    "clang-14",
    "14",
    "libclang-cpp14",
    "libclang-common-14-dev",
    "libllvm14",
    "libstdc++6",
    "libgcc-12-dev",
    "binutils",
  ],
  ["libclang-cpp14", "14", "libllvm14"],
  ["libclang-common-14-dev", "14"],
  ["libllvm14", "14", "libedit2", "libc6"],
  ["lld", "14", "lld-14"],
  ["lld-14", "14", "libllvm14"],
  ["wasi-libc", "0.1"],
  ["libclang-rt-dev-wasm32", "14", "libclang-rt-14-dev-wasm32"],
  ["libclang-rt-14-dev-wasm32", "14"],
  ["musl-dev", "1.2", "musl"],
  ["musl", "1.2"],
  ["libedit2", "3"],
  ["libstdc++6", "12"],
  ["libgcc-12-dev", "12"],
  ["binutils", "2"],
  ["libc6", "2"],
];

const OWN = ARCHIVE.map(([name]) => name)
  .filter((name) => /^(?:clang|lld|libclang|libllvm|musl|wasi)/.test(name))
  .sort();
const skip = !hasDebianPackages() && "there is no apt here";

describe("the packages of the C compiler", { skip }, () => {
  let root = "";
  let options: string[] = [];
  const architecture = async (): Promise<string> =>
    (await promisify(execFile)("dpkg", ["--print-architecture"])).stdout.trim();
  const stanza = (arch: string, [name, version, ...depends]: (typeof ARCHIVE)[number]): string =>
    [`Package: ${name}`, `Version: ${version}`, `Architecture: ${arch}`, "Maintainer: nobody", "Description: none"]
      .concat(depends.length === 0 ? [] : `Depends: ${depends.join(", ")}`)
      .join("\n");

  before(async () => {
    root = mkdtempSync(path.join(tmpdir(), "nex-apt-"));
    for (const place of ["archive", "lists/partial", "cache/archives/partial", "nothing"])
      mkdirSync(path.join(root, place), { recursive: true });
    const arch = await architecture();
    const packages = ARCHIVE.map((each) => `${stanza(arch, each)}\nFilename: ./${each[0]}.deb\nSize: 1\n`);
    writeFileSync(path.join(root, "archive/Packages"), packages.join("\n"));
    writeFileSync(path.join(root, "sources.list"), `deb [trusted=yes] file:${root}/archive ./\n`);
    options = Object.entries({
      "APT::Sandbox::User": "root",
      "Dir::Cache": `${root}/cache`,
      "Dir::State::Lists": `${root}/lists`,
      "Dir::Etc::sourcelist": `${root}/sources.list`,
      "Dir::Etc::sourceparts": `${root}/nothing`,
      "Dir::Etc::preferencesparts": `${root}/nothing`,
    }).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    await promisify(execFile)("apt-get", [...options, "update"]);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  /** Has dpkg take these for what is installed, whether what they need is there or not. */
  const installed = async (...names: readonly (string | readonly [name: string, version: string])[]): Promise<void> => {
    const arch = await architecture();
    const known = names.map((name) => {
      const [wanted, version] = typeof name === "string" ? [name, undefined] : name;
      const found = ARCHIVE.find(([each]) => each === wanted)!;
      return `${stanza(arch, version === undefined ? found : [wanted, version])}\nStatus: install ok installed\n`;
    });
    writeFileSync(path.join(root, "status"), known.join("\n"));
  };
  const chosen = async (): Promise<string[]> => await choosePackages(options, [`--admindir=${root}`]);

  for (const [what, names] of [
    ["nothing", []],
    ["a compiler without the rest", ["clang", "clang-14", "libclang-cpp14", "libllvm14", "lld", "lld-14", "wasi-libc"]],
    ["only a library of it", ["libllvm14"]],
    [
      "older versions",
      [
        ["clang", "11"],
        ["lld", "11"],
        ["wasi-libc", "0.0"],
      ],
    ],
    [
      "newer versions",
      [
        ["clang", "19"],
        ["libclang-rt-dev-wasm32", "19"],
        ["musl-dev", "9"],
      ],
    ],
    ["all of it", OWN],
  ] as const) {
    it(`are all of the compiler's own where the system has ${what}`, async () => {
      await installed("libc6", "libstdc++6", ...names);
      assert.deepEqual(
        (await chosen()).filter((name) => OWN.includes(name)),
        OWN,
      );
    });
  }

  it("are of the libraries only those that the system does not have, and nothing for programs of this machine", async () => {
    await installed("libc6", "libstdc++6", "clang", "clang-14", "libedit2");
    assert.deepEqual(await chosen(), OWN);
    await installed("libc6", "libstdc++6");
    assert.deepEqual(await chosen(), [...OWN, "libedit2"].sort());
  });
});
