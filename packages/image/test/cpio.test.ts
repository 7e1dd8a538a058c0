import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cpio, type CpioEntry, CpioMode } from "../src/initramfs/cpio.ts";

interface Read {
  readonly path: string;
  readonly mode: number;
  readonly data: Buffer;
}

/** Reads an archive as Linux does: each header and each body begins at a multiple of four. */
function read(archive: Buffer): Read[] {
  const entries: Read[] = [];
  for (let at = 0; ;) {
    assert.equal(at % 4, 0);
    assert.equal(archive.toString("latin1", at, at + 6), "070701");
    const field = (index: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    assert.deepEqual([field(2), field(3), field(5)], [0, 0, 0], "owner, group and time are fixed");
    const path = archive.toString("utf8", at + 110, at + 110 + nameSize - 1);
    assert.equal(archive[at + 110 + nameSize - 1], 0);
    const begin = (at + 110 + nameSize + 3) & ~3;
    if (path === "TRAILER!!!") {
      assert.equal(begin, archive.length);
      return entries;
    }
    entries.push({ path, mode, data: archive.subarray(begin, begin + size) });
    at = (begin + size + 3) & ~3;
  }
}

describe("a cpio archive", () => {
  it("gives back every entry, whatever the lengths of names and data", () => {
    const entry = fc.record({
      path: fc.stringMatching(/^[a-z]{1,20}$/),
      mode: fc.constantFrom(...Object.values(CpioMode)),
      data: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(entry), (entries: CpioEntry[]) => {
        assert.deepEqual(
          read(cpio(entries)).map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
          entries.map(({ path, mode, data = [] }) => ({ path, mode, data: [...data] })),
        );
      }),
    );
  });
});
