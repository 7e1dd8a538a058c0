import { NexError } from "@nex/protocol";
import { BinaryReader, encodeU32, MalformedModule } from "./binary-reader.ts";
import { encodeCapped, type LimitsRecord, readLimits } from "./limits.ts";

export interface CappedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many bytes further back than in the original everything after the tables and memories lies. */
  readonly shift: number;
  /** True if the module runs code of its own while it is instantiated. */
  readonly hasStart: boolean;
}

export const PAGE_BYTES: number = 64 * 1024;

/** As many as a 32-bit memory can have. */
const MAX_PAGES = 65_536;

/** Large programs have some ten thousand functions that are called by pointer, in one table. */
const MAX_TABLES = 8;
const MAX_TABLE_ENTRIES = 1_000_000;

/** Magic and version. */
const HEADER_BYTES = 8;

const SectionId = { table: 4, memory: 5, start: 8 } as const;

/**
 * Gives a module's own memory and tables a maximum, in the binary itself: once an engine has made a memory that
 * the module declares, nothing outside can bound it any more, while growth past a declared maximum fails inside.
 *
 * Reads only section headers and the two small sections; everything else is copied as it is, for the engine to
 * judge. Memories and tables that are imported are not touched.
 * @param memoryBytes rounded down to pages of 64 KiB
 * @throws MalformedModule for what it cannot read: whoever runs the module must then refuse it
 * @throws NexError `invalid_artifact` for a module that wants more than it may have
 */
export function capModule(module: Uint8Array, memoryBytes: number): CappedModule {
  const reader = new BinaryReader(module);
  reader.skip(HEADER_BYTES);
  const parts: Uint8Array[] = [];
  let copied = 0;
  let hasStart = false;
  while (!reader.atEnd) {
    const sectionStart = reader.offset;
    const id = reader.u8();
    const size = reader.u32();
    const start = reader.skip(size);
    hasStart ||= id === SectionId.start;
    const rewrite = id === SectionId.memory ? rewriteMemories : id === SectionId.table ? rewriteTables : undefined;
    if (rewrite === undefined) continue;
    const content = new BinaryReader(module, start, start + size);
    const body = rewrite(content, module, memoryBytes);
    if (!content.atEnd) throw new MalformedModule("a section is longer than what it holds");
    parts.push(module.subarray(copied, sectionStart), Uint8Array.from([id, ...encodeU32(body.length), ...body]));
    copied = reader.offset;
  }
  const bytes = concat([...parts, module.subarray(copied)]);
  return { bytes, shift: bytes.length - module.length, hasStart };
}

function rewriteMemories(reader: BinaryReader, _module: Uint8Array, memoryBytes: number): number[] {
  const count = reader.u32();
  if (count > 1) throw refuse(`The module has ${count} memories; a function has one.`);
  const cap = Math.min(MAX_PAGES, Math.floor(memoryBytes / PAGE_BYTES));
  const body = encodeU32(count);
  for (let index = 0; index < count; index++) {
    const limits = readLimits(reader);
    checkPlain(limits, "memory");
    if (limits.min > cap) {
      throw refuse(
        `The module asks for ${mebibytes(limits.min * PAGE_BYTES)} of memory to begin with; it may have ${mebibytes(memoryBytes)}. Raise the limit (--memory), or link it with less initial memory.`,
        { memory_bytes: limits.min * PAGE_BYTES, limit: memoryBytes },
      );
    }
    body.push(...encodeCapped(limits, cap));
  }
  return body;
}

function rewriteTables(reader: BinaryReader, module: Uint8Array): number[] {
  const count = reader.u32();
  if (count > MAX_TABLES) throw refuse(`The module has ${count} tables; a function may have ${MAX_TABLES}.`);
  const body = encodeU32(count);
  for (let index = 0; index < count; index++) {
    const start = reader.offset;
    const hasInitializer = skipTableType(reader);
    body.push(...module.subarray(start, reader.offset));
    const limits = readLimits(reader);
    checkPlain(limits, "table");
    if (limits.min > MAX_TABLE_ENTRIES)
      throw refuse(`The module asks for a table of ${limits.min} entries; it may have ${MAX_TABLE_ENTRIES}.`);
    body.push(...encodeCapped(limits, MAX_TABLE_ENTRIES));
    if (!hasInitializer) continue;
    const expression = reader.offset;
    skipConstantExpression(reader);
    body.push(...module.subarray(expression, reader.offset));
  }
  return body;
}

/** True if the entry goes on after its limits with an initializer. */
function skipTableType(reader: BinaryReader): boolean {
  const first = reader.u8();
  const hasInitializer = first === 0x40;
  if (hasInitializer && reader.u8() !== 0) throw new MalformedModule("an unknown kind of table");
  skipReferenceType(reader, hasInitializer ? reader.u8() : first);
  return hasInitializer;
}

function skipReferenceType(reader: BinaryReader, first: number): void {
  // (ref ht) and (ref null ht); every other reference type is one byte.
  if (first === 0x63 || first === 0x64) reader.skipSigned(33);
}

/** What fills a table: one constant, or none of the instructions below and then the module is not read. */
function skipConstantExpression(reader: BinaryReader): void {
  for (;;) {
    switch (reader.u8()) {
      case 0x0b: // end
        return;
      case 0x41: // i32.const
        reader.skipSigned(32);
        break;
      case 0x23: // global.get
      case 0xd2: // ref.func
        reader.u32();
        break;
      case 0xd0: // ref.null
        reader.skipSigned(33);
        break;
      default:
        throw new MalformedModule("an unknown initializer of a table");
    }
  }
}

function checkPlain({ isShared, isWide }: LimitsRecord, what: "memory" | "table"): void {
  if (isShared)
    throw refuse(`The module's ${what} is shared between threads; a function has one thread. Build without threads.`);
  if (isWide)
    throw refuse(`The module's ${what} has 64-bit addresses; WASI preview 1 has 32-bit ones. Build for wasm32.`);
}

function refuse(message: string, data: Record<string, unknown> = {}): NexError {
  return new NexError("invalid_artifact", message, { data });
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / 1024 / 1024) * 100) / 100} MiB`;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
