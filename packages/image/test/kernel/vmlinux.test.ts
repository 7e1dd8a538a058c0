import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { isNexError } from "@nex/protocol";
import { extractVmlinux } from "../../src/kernel/vmlinux.ts";

const KERNEL = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(5000, "kernel")]);

/** A bzImage that boots nowhere, with the header fields that tell where the kernel is. */
function bootable(payload: Buffer): Buffer {
  const head = Buffer.alloc(0x400);
  head[0x1f1] = 1;
  head.write("HdrS", 0x202);
  head.writeUInt16LE(0x020f, 0x206);
  head.writeUInt32LE(16, 0x248);
  head.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([head, Buffer.alloc(16, 0xcc), payload, Buffer.alloc(100, 0xcc)]);
}

function withSize(payload: Buffer, size: number): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt32LE(size);
  return Buffer.concat([payload, end]);
}

describe("the kernel in a bzImage", () => {
  it("is found and unpacked", () => {
    assert.deepEqual(extractVmlinux(bootable(gzipSync(KERNEL))), KERNEL);
    assert.deepEqual(extractVmlinux(KERNEL), KERNEL, "one that is not packed");
  });

  for (const [what, image] of [
    ["no bzImage", Buffer.alloc(4096)],
    ["something else inside", bootable(gzipSync(Buffer.from("not a kernel")))],
    [
      "a kernel of another size than it says",
      bootable(Buffer.concat([gzipSync(KERNEL).subarray(0, -4), Buffer.alloc(4)])),
    ],
    ["an unknown compression", bootable(withSize(Buffer.alloc(64, 7), 64))],
  ] as const) {
    it(`is refused: ${what}`, () => {
      assert.throws(
        () => extractVmlinux(image),
        (error) => isNexError(error) && error.code === "image_failed",
      );
    });
  }

  it("may be packed with zstd", () => {
    const payload = withSize(zstdCompressSync(KERNEL), KERNEL.length);
    assert.ok(extractVmlinux(bootable(payload)).equals(KERNEL));
  });
});
