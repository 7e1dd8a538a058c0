import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isNexError } from "@nex/protocol";
import fc from "fast-check";
import { checkElf, type ProgramFile } from "../../src/providers/elf/elf-header.ts";
import { elfImage, type ElfShape } from "../support/elf-image.ts";

/** Counts what is read, so that a header cannot make us read more than the file or a fixed amount. */
function fileOf(bytes: Buffer): ProgramFile & { bytesAsked: number } {
  const file = {
    size: bytes.length,
    bytesAsked: 0,
    read: async (offset: number, length: number) => {
      file.bytesAsked += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  return file;
}

async function refusal(shape: Partial<ElfShape>, cut?: number): Promise<string> {
  const bytes = elfImage(shape);
  try {
    await checkElf(fileOf(cut === undefined ? bytes : bytes.subarray(0, cut)), "x64");
  } catch (error) {
    assert.ok(isNexError(error) && error.code === "invalid_artifact");
    return error.message;
  }
  return "";
}

describe("a program", () => {
  const accepted: readonly (readonly [what: string, shape: Partial<ElfShape>])[] = [
    ["that is static", {}],
    ["for Linux with GNU extensions", { system: 3 }],
    ["that is static and position independent", { type: 3, segments: [{ type: 1 }, { type: 2, tags: [5, 6, 0] }] }],
  ];
  for (const [what, shape] of accepted) {
    it(`${what} is taken`, async () => assert.equal(await refusal(shape), ""));
  }

  it("for 64-bit ARM is taken on such a machine", async () => {
    await checkElf(fileOf(elfImage({ machine: 183 })), "arm64");
  });

  const refused: readonly (readonly [what: string, shape: Partial<ElfShape>, says: RegExp])[] = [
    ["of 32 bits", { bits: 1 }, /32-bit/],
    ["that is big-endian", { order: 2 }, /big-endian/],
    ["for FreeBSD", { system: 9 }, /another operating system.*9/],
    ["for another machine", { machine: 183 }, /is for 64-bit ARM: this node is x86-64/],
    ["for a machine nobody knows", { machine: 4711 }, /machine 4711/],
    ["that is an object file", { type: 1 }, /object file/],
    ["with a dynamic loader", { segments: [{ type: 1 }, { type: 3 }] }, /PT_INTERP.*Build it static/],
    ["that needs libraries", { type: 3, segments: [{ type: 1 }, { type: 2, tags: [5, 1, 0] }] }, /DT_NEEDED/],
    ["without program headers", { segments: [] }, /no program headers/],
    ["without anything to load", { segments: [{ type: 4 }] }, /nothing to load/],
    ["whose segment ends beyond the file", { segments: [{ type: 1, fileSize: 1_000_000n }] }, /cut short/],
    ["whose segment's end does not fit a number", { segments: [{ type: 1, fileSize: 2n ** 64n - 1n }] }, /cut short/],
    ["with headers of another size", { entryBytes: 32 }, /damaged header/],
    ["with 60,000 program headers", { count: 60_000 }, /damaged header/],
    [
      "with a dynamic section of a gigabyte",
      { segments: [{ type: 1 }, { type: 2, fileSize: 2n ** 30n }] },
      /cut short|damaged/,
    ],
  ];
  for (const [what, shape, says] of refused) {
    it(`${what} is refused`, async () => assert.match(await refusal(shape), says));
  }

  it("that is cut short anywhere in its headers is refused", async () => {
    const whole = elfImage({}).length;
    for (let cut = 0; cut < whole; cut += 7)
      assert.match(await refusal({}, cut), /cut short|not an ELF|no program headers/, `${cut}`);
  });

  it("with any bytes at all is taken or refused, and never makes us read much more than its headers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 0, maxLength: 400 }),
        fc.nat(399),
        fc.nat(255),
        async (junk, at, value) => {
          const image = elfImage({});
          image[at % image.length] = value;
          for (const bytes of [Buffer.from(junk), image, Buffer.concat([image.subarray(0, 64), junk])]) {
            const file = fileOf(bytes);
            await checkElf(file, "x64").catch((error: unknown) => assert.ok(isNexError(error), String(error)));
            assert.ok(file.bytesAsked < 200_000);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
