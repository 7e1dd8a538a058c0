import { spawnSync } from "node:child_process";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { NexError } from "@nex/protocol";
import { findProgram, requireTools } from "../tools.ts";
import { decompressLz4Legacy, LZ4_LEGACY_MAGIC } from "./lz4-legacy.ts";

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]);

/**
 * Unpacks what distributions compress kernels and modules with; anything else is returned as it is.
 * @throws NexError `missing_tool`, `image_failed`
 */
export function decompress(data: Buffer): Buffer {
  if (startsWith(data, LZ4_LEGACY_MAGIC)) return decompressLz4Legacy(data);
  if (startsWith(data, GZIP)) return unpacked(gunzipSync, data);
  if (startsWith(data, ZSTD)) return unpacked(zstdDecompressSync, data);
  if (startsWith(data, XZ)) return decompressXz(data);
  return data;
}

function unpacked(decoder: (data: Buffer) => Buffer, data: Buffer): Buffer {
  try {
    return decoder(data);
  } catch (cause) {
    throw new NexError("image_failed", `Packed data of the kernel are damaged: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Node has no decoder for it. */
function decompressXz(input: Buffer): Buffer {
  requireTools(["xz"]);
  const { stdout, stderr, status } = spawnSync(findProgram("xz")!, ["--decompress", "--stdout", "--single-stream"], {
    input,
    maxBuffer: 256 * 1024 * 1024,
  });
  // What follows the stream (the kernel's unpacked size) is not xz's; all of the stream has been written by then.
  if (status !== 0 && stdout.length === 0) throw new NexError("image_failed", `xz failed: ${stderr.toString().trim()}`);
  return stdout;
}

function startsWith(data: Buffer, magic: Buffer): boolean {
  return data.subarray(0, magic.length).equals(magic);
}
