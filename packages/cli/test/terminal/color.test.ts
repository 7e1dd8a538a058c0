import assert from "node:assert/strict";
import { test } from "node:test";
import { wantsColor } from "../../src/terminal/color.ts";

const cases: readonly (readonly [env: Record<string, string>, onTerminal: boolean, elsewhere: boolean])[] = [
  [{}, true, false],
  [{ NO_COLOR: "1" }, false, false],
  [{ NO_COLOR: "" }, true, false],
  [{ CLICOLOR: "0" }, false, false],
  [{ CLICOLOR: "1" }, true, false],
  [{ CLICOLOR_FORCE: "1", NO_COLOR: "1" }, true, true],
  [{ CLICOLOR_FORCE: "0" }, true, false],
  [{ TERM: "dumb" }, false, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1", TERM: "dumb" }, true, true],
  [{ FORCE_COLOR: "" }, true, true],
  [{ FORCE_COLOR: "0" }, false, false],
];

for (const [env, onTerminal, elsewhere] of cases) {
  test(`colour with ${JSON.stringify(env)}`, () => {
    assert.deepEqual([wantsColor(env, true), wantsColor(env, false)], [onTerminal, elsewhere]);
  });
}
