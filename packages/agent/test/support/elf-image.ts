export interface SegmentShape {
  /** 1 load, 2 dynamic, 3 interpreter. */
  readonly type: number;
  readonly fileSize?: bigint;
  /** Tags of a dynamic section. */
  readonly tags?: readonly number[];
}

/** What an ELF file claims to be. */
export interface ElfShape {
  readonly bits: number;
  readonly order: number;
  readonly system: number;
  readonly type: number;
  readonly machine: number;
  readonly entryBytes: number;
  /** Number of program headers claimed. Default: as many as there are. */
  readonly count?: number;
  readonly segments: readonly SegmentShape[];
}

const WHOLE: ElfShape = { bits: 2, order: 1, system: 0, type: 2, machine: 62, entryBytes: 56, segments: [{ type: 1 }] };

/** A file with the headers of an ELF program, well-formed unless told otherwise. It runs nowhere. */
export function elfImage(shape: Partial<ElfShape>): Buffer {
  const { bits, order, system, type, machine, entryBytes, count, segments } = { ...WHOLE, ...shape };
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46, 0);
  header.set([bits, order, 1, system], 4);
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(entryBytes, 54);
  header.writeUInt16LE(count ?? segments.length, 56);
  const bodies = segments.map(({ tags = [] }) => tags.flatMap((tag) => [BigInt(tag), 0n]));
  let offset = 64 + 56 * segments.length;
  const table = segments.map(({ type: kind, fileSize }, index) => {
    const entry = Buffer.alloc(56);
    const length = bodies[index]!.length * 8;
    entry.writeUInt32LE(kind, 0);
    entry.writeBigUInt64LE(BigInt(offset), 8);
    entry.writeBigUInt64LE(fileSize ?? BigInt(length), 32);
    offset += length;
    return entry;
  });
  const data = Buffer.from(BigUint64Array.from(bodies.flat()).buffer);
  return Buffer.concat([header, ...table, data]);
}
