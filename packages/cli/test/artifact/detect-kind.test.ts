import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { detectKind } from "../../src/artifact/detect-kind.ts";
import { sourceDirectory } from "../support/source-directory.ts";

const known: readonly (readonly [name: string, content: string, kind: string])[] = [
  ["service", "\x7fELF\x02", "elf"],
  ["fn.wasm", "\0asm\x01\0\0\0", "wasm"],
  ["no-extension", "\0asm\x01\0\0\0", "wasm"],
  ["elf-called.js", "\x7fELF\x02", "elf"],
  ...["ts", "tsx", "mts", "cts", "js", "mjs", "cjs", "jsx", "TS"].map(
    (extension) => [`fn.${extension}`, "#!x", "javascript"] as const,
  ),
];

for (const [name, content, kind] of known) {
  test(`${name} is ${kind}`, async () => {
    await using directory = await sourceDirectory({ [name]: content });
    assert.equal(detectKind(join(directory.path, name)), kind);
  });
}

const unknown: readonly (readonly [name: string, content: Buffer, says: RegExp])[] = [
  ["empty", Buffer.alloc(0), /is empty/],
  ["run.sh", Buffer.from("#!/bin/sh\n"), /a script with a #! line/],
  ["app.exe", Buffer.from("MZ\x90"), /a Windows program.*GOOS=linux/],
  ["app", Buffer.from("cffaedfe", "hex"), /a macOS program.*GOOS=linux/],
  ["app.gz", Buffer.from("1f8b0800", "hex"), /compressed/],
  ["fn.wat", Buffer.from("(module)"), /WebAssembly text.*wat2wasm/],
  ["notes.txt", Buffer.from("hello"), /Cannot tell what .*notes\.txt is.*--type elf, javascript or wasm/],
];

for (const [name, content, says] of unknown) {
  test(`${name} is refused with what to do`, async () => {
    await using directory = await sourceDirectory({ [name]: content });
    assert.throws(() => detectKind(join(directory.path, name)), { code: "invalid_artifact", message: says });
  });
}

test("a directory, and a file that is not there", async () => {
  await using directory = await sourceDirectory({});
  assert.throws(() => detectKind(directory.path), { code: "invalid_artifact", message: /is a directory/ });
  assert.throws(() => detectKind(join(directory.path, "none")), { code: "file_not_found" });
});
