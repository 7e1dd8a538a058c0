import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ERRORS_PAGE, renderErrorsPage } from "../../../scripts/errors-page.ts";
import { errorCatalogue, errorGroups } from "../src/error-catalogue.ts";

describe("error catalogue", () => {
  it("is what docs/errors.md says (else run scripts/errors-page.ts)", async () => {
    assert.equal(await readFile(ERRORS_PAGE, "utf8"), renderErrorsPage());
  });

  it("has a heading on the page for each code, and no other", () => {
    const headings = [...renderErrorsPage().matchAll(/^### `(\w+)`$/gm)].map((found) => found[1]);
    assert.equal(headings.length, Object.keys(errorCatalogue).length);
    assert.deepEqual(new Set(headings), new Set(Object.keys(errorCatalogue)));
  });

  it("shows every code in exactly one group", () => {
    const shown = errorGroups.flatMap((group) => group.codes);
    assert.equal(shown.length, Object.keys(errorCatalogue).length);
    assert.deepEqual(new Set<string>(shown), new Set(Object.keys(errorCatalogue)));
  });

  it("says in whole sentences when a code is used and what to do", () => {
    for (const [code, { status, when, remedy }] of Object.entries(errorCatalogue)) {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(status >= 400 && status <= 599, code);
      for (const sentence of [when, remedy]) assert.match(sentence, /^[A-Z`].*\.$/, code);
    }
  });
});
