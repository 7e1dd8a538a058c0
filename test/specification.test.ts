import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

const ROOT = new URL("../", import.meta.url);

interface Promised {
  readonly number: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
  readonly isPending: boolean;
}

/** A promise is a paragraph that begins with its number; its tests are the lines after it that begin with a dash. */
function readPromises(): Promised[] {
  const paragraphs = readFileSync(new URL("SPECIFICATION.md", ROOT), "utf8").split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) => {
    const number = /^(\d+\.\d+) /.exec(paragraph)?.[1];
    if (number === undefined) return [];
    const tests = [...paragraph.matchAll(/^— (\S+): (.+)$/gm)].map(([, file, title]) => ({
      file: file!,
      title: title!,
    }));
    return [{ number, tests, isPending: paragraph.includes("[test pending]") }];
  });
}

describe("SPECIFICATION.md", () => {
  const promises = readPromises();

  it("has promises, each with its own number", () => {
    assert.ok(promises.length > 30);
    assert.equal(new Set(promises.map(({ number }) => number)).size, promises.length);
  });

  for (const { number, tests, isPending } of promises) {
    it(`${number} names tests that exist`, () => {
      assert.ok(tests.length > 0 || isPending, "a promise names a test, or says that it is pending");
      for (const { file, title } of tests) {
        assert.ok(existsSync(new URL(file, ROOT)), `${file} does not exist`);
        assert.ok(readFileSync(new URL(file, ROOT), "utf8").includes(title), `${file} has no test "${title}"`);
      }
    });
  }
});
