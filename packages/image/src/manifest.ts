import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "./hash.ts";

/** Changes when a reader of older ones would go wrong. */
export const MANIFEST_FORMAT = 1;

/** The files of an image, beside `manifest.json` and the list of the root file system's files. */
export const ARTIFACTS = ["rootfs.ext4", "initramfs.cpio.gz", "vmlinux"] as const;
export type ArtifactName = (typeof ARTIFACTS)[number];

export interface ImageArtifact {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** `manifest.json`: what an image was made of and what came out. The same inputs give the same manifest. */
export interface ImageManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly nex_version: string;
  /** Of the Node inside, such as `26.10.0`. */
  readonly node_version: string;
  /** Such as `6.1.0-40-cloud-amd64`. */
  readonly kernel_version: string;
  /** As Node names it: `x64`. */
  readonly architecture: string;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  /** Entries of `files.txt`, and its hash. */
  readonly files: { readonly count: number; readonly sha256: string };
  readonly artifacts: Readonly<Record<ArtifactName, ImageArtifact>>;
}

/** Hash and size of each artifact in `directory`. */
export async function describeArtifacts(directory: string): Promise<Readonly<Record<ArtifactName, ImageArtifact>>> {
  const described = ARTIFACTS.map(async (name) => {
    const file = join(directory, name);
    return [name, { size: (await stat(file)).size, sha256: await hashFile(file) }] as const;
  });
  return Object.fromEntries(await Promise.all(described)) as Record<ArtifactName, ImageArtifact>;
}

/** Of a text, as hexadecimal digits. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
