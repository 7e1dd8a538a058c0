/** Offsets in the header of a 64-bit ELF file (elf(5)). */
const Header = {
  class: 4,
  data: 5,
  programOffset: 32,
  sectionOffset: 40,
  entrySize: 54,
  entryCount: 56,
  sectionCount: 60,
  sectionNames: 62,
} as const;
const MAGIC = "\x7fELF";
const HEADER_BYTES = 64;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;

/** Offsets in an entry of the program header table. */
const Entry = { offset: 8, fileSize: 32 } as const;

/**
 * A program without its symbols and all else that is for linkers and debuggers: what no segment holds, which is the end
 * of the file, and the table of sections. A fifth of Node is that. By ourselves, because what another program takes away
 * differs with its version, and an image is to be the same wherever it is built.
 * @returns the program as it is, if it is no 64-bit ELF file of a little-endian machine
 */
export function stripSymbols(program: Buffer): Buffer {
  const isElf = program.length >= HEADER_BYTES && program.toString("latin1", 0, MAGIC.length) === MAGIC;
  if (!isElf || program[Header.class] !== CLASS_64 || program[Header.data] !== LITTLE_ENDIAN) return program;
  const table = Number(program.readBigUInt64LE(Header.programOffset));
  const entrySize = program.readUInt16LE(Header.entrySize);
  const count = program.readUInt16LE(Header.entryCount);
  let end = Math.max(HEADER_BYTES, table + count * entrySize);
  for (let index = 0; index < count; index++) {
    const entry = table + index * entrySize;
    const offset = program.readBigUInt64LE(entry + Entry.offset);
    end = Math.max(end, Number(offset + program.readBigUInt64LE(entry + Entry.fileSize)));
  }
  const stripped = Buffer.from(program.subarray(0, end));
  stripped.writeBigUInt64LE(0n, Header.sectionOffset);
  stripped.writeUInt16LE(0, Header.sectionCount);
  stripped.writeUInt16LE(0, Header.sectionNames);
  return stripped;
}
