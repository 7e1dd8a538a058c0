import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { SandboxDriver } from "@nex/sandboxes";
import { DENIED, UNKNOWN } from "@nex/sandboxes/testing";
import { attack, buildAttacker } from "../../support/attacker.ts";
import { makeBubblewrapDriver, noBubblewrap, makeProcessDriver } from "@nex/testing/sandboxes";
import { TestSystem } from "../../support/system.ts";

const [EPERM, ENOSYS] = [1, 38];
const column = process.arch === "arm64" ? 1 : 0;
const numbersOf = (list: typeof DENIED): number[] => Object.values(list).flatMap((numbers) => numbers[column] ?? []);

let attacker: Buffer;
before(async () => void (attacker = await buildAttacker()));

/** Error number of each system call in a sandbox, 0 for one that worked. */
async function tryCalls(driver: SandboxDriver, numbers: readonly number[]): Promise<Map<number, number>> {
  await using system = await TestSystem.start({ driver });
  await system.deploy(attacker, attack("call", ...numbers));
  await system.told.log("calls succeeded");
  const results = system.told.logs.flatMap(({ text }) => {
    const [, number, errno] = /^call (\d+) (-?\d+)$/.exec(text) ?? [];
    return number === undefined ? [] : [[Number(number), Number(errno)] as const];
  });
  return new Map(results);
}

test("no denied system call is let through to the kernel", { skip: noBubblewrap }, async () => {
  const calls = [...numbersOf(DENIED), ...numbersOf(UNKNOWN)];
  const inside = await tryCalls(makeBubblewrapDriver(), calls);
  for (const number of numbersOf(DENIED)) assert.equal(inside.get(number), EPERM, `number ${number}`);
  for (const number of numbersOf(UNKNOWN)) assert.equal(inside.get(number), ENOSYS, `number ${number}`);
  // The kernel itself refuses some to everybody without rights; most it does not.
  const outside = await tryCalls(makeProcessDriver(), calls);
  assert.equal(outside.size, calls.length);
  const different = calls.filter((number) => inside.get(number) !== outside.get(number));
  assert.ok(different.length > 20, `${different.length} are answered otherwise without the filter`);
});
