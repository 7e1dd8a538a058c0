import { BinaryReader, encodeU32 } from "./binary-reader.ts";
import { readLimits } from "./limits.ts";

export interface MemorySize {
  /** Pages of 64 KiB. */
  readonly initial: number;
  readonly maximum: number;
}

export interface MemoryImport {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many bytes later than before everything after the memories lies. */
  readonly shift: number;
  /** Absent if the module has no memory of its own; then nothing was changed. */
  readonly memory?: MemorySize;
}

/** Under this name an instance is given its memory; it is the last of the module's imports. */
export const MEMORY_IMPORT = { module: "nex_runner", name: "memory" } as const;

/** Magic and version. */
const HEADER_BYTES = 8;

const SectionId = { custom: 0, import: 2, memory: 5 } as const;

const MEMORY_KIND = 2;

interface Section {
  readonly id: number;
  /** Of its identifier. */
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/**
 * Turns the memory that a module declares into one that it imports, so that instances can be given one that was used
 * before: memories that come and go by the thousand cost a collection of some milliseconds every few dozen. Memory 0
 * stays memory 0 for the rest of the module.
 *
 * @param module as `capModule` leaves it: one memory at most, with a maximum
 */
export function importMemory(module: Uint8Array<ArrayBuffer>): MemoryImport {
  const sections = readSections(module);
  const declared = sections.find(({ id }) => id === SectionId.memory);
  const limits = declared === undefined ? undefined : readMemory(module, declared);
  if (declared === undefined || limits === undefined) return { bytes: module, shift: 0 };
  const parts: Uint8Array[] = [];
  let copied = 0;
  let isImported = false;
  const put = (section: readonly number[], from: number, to: number): void => {
    parts.push(module.subarray(copied, from), Uint8Array.from(section));
    copied = to;
  };
  for (const section of sections) {
    if (!isImported && section.id >= SectionId.import) {
      isImported = true;
      if (section.id === SectionId.import) put(withMemory(module, section, limits.record), section.start, section.end);
      else put(sectionOf([1, ...entry(limits.record)]), section.start, section.start);
    }
    if (section === declared) put([], section.start, section.end);
  }
  parts.push(module.subarray(copied));
  const bytes = new Uint8Array(Buffer.concat(parts));
  return { bytes, shift: bytes.length - module.length, memory: limits.size };
}

function readSections(module: Uint8Array): Section[] {
  const reader = new BinaryReader(module);
  reader.skip(HEADER_BYTES);
  const sections: Section[] = [];
  while (!reader.atEnd) {
    const start = reader.offset;
    const id = reader.u8();
    const size = reader.u32();
    const content = reader.skip(size);
    sections.push({ id, start, content, end: reader.offset });
  }
  return sections;
}

/** `undefined` for a section that declares none. */
function readMemory(
  module: Uint8Array,
  { content, end }: Section,
): { readonly size: MemorySize; readonly record: Uint8Array } | undefined {
  const reader = new BinaryReader(module, content, end);
  if (reader.u32() === 0) return undefined;
  const start = reader.offset;
  const { min, max = min } = readLimits(reader);
  return { size: { initial: min, maximum: max }, record: module.subarray(start, reader.offset) };
}

/** The import section with one entry more. */
function withMemory(module: Uint8Array, { content, end }: Section, record: Uint8Array): number[] {
  const reader = new BinaryReader(module, content, end);
  const count = reader.u32();
  return sectionOf([...encodeU32(count + 1), ...module.subarray(reader.offset, end), ...entry(record)]);
}

function sectionOf(content: readonly number[]): number[] {
  return [SectionId.import, ...encodeU32(content.length), ...content];
}

function entry(record: Uint8Array): number[] {
  return [...text(MEMORY_IMPORT.module), ...text(MEMORY_IMPORT.name), MEMORY_KIND, ...record];
}

function text(name: string): number[] {
  return [...encodeU32(name.length), ...Buffer.from(name)];
}
