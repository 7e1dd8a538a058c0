/** One entry of an archive. A directory has no data. */
export interface CpioEntry {
  /** Relative, without a leading `./`; directories before what lies in them. */
  readonly path: string;
  /** File type and permissions, such as `0o100755`. */
  readonly mode: number;
  readonly data?: Uint8Array;
}

export const CpioMode = { directory: 0o040755, file: 0o100644, program: 0o100755 } as const;

/**
 * A cpio archive in the "newc" form that Linux reads as initramfs (Documentation/driver-api/early-userspace/
 * buffer-format.rst). Everything belongs to root and is of 1970, so that the same entries give the same bytes.
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.map((entry, index) => record(entry, index + 1));
  return Buffer.concat([...parts, record({ path: "TRAILER!!!", mode: 0 }, 0)]);
}

function record({ path, mode, data = new Uint8Array(0) }: CpioEntry, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  const links = 1;
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(head), name])), padded(Buffer.from(data))]);
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
}
