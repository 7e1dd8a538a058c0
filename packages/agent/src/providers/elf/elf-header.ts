import { NexError } from "@nex/protocol";

/** Machines Nex runs on, by Node's name, with the number ELF gives them and the compiler triple to name in hints. */
const MACHINES: Readonly<Record<string, { readonly number: number; readonly triple: string }>> = {
  x64: { number: 62, triple: "x86_64-linux-musl" },
  arm64: { number: 183, triple: "aarch64-linux-musl" },
};

const MACHINE_NAMES: ReadonlyMap<number, string> = new Map([
  [3, "32-bit x86"],
  [8, "MIPS"],
  [20, "PowerPC"],
  [21, "64-bit PowerPC"],
  [22, "S/390"],
  [40, "32-bit ARM"],
  [62, "x86-64"],
  [183, "64-bit ARM"],
  [243, "RISC-V"],
]);

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/** Real programs have about ten. */
const MAX_PROGRAM_HEADERS = 256;

/** A dynamic section is a list of pairs; static-pie programs have about twenty. */
const MAX_DYNAMIC_BYTES = 64 * 1024;

const Segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const Dynamic = { end: 0n, needed: 1n } as const;

/** Where the bytes of a program come from. A short answer means the file ends there. */
export interface ProgramFile {
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

interface ProgramHeader {
  readonly type: number;
  readonly offset: bigint;
  readonly fileSize: bigint;
}

/**
 * Checks that a file is a program this machine can run on its own: 64-bit, little-endian, for Linux and this
 * machine, static, and whole. The file is a stranger's: no number in it is trusted before it was compared with
 * the file's size.
 * @param arch Node's name of the machine
 * @throws NexError `invalid_artifact` with what was found and how to build a file that works
 */
export async function checkElf(file: ProgramFile, arch: string = process.arch): Promise<void> {
  const header = await file.read(0, HEADER_BYTES);
  checkIdentity(header, arch);
  const programs = await readProgramHeaders(file, header);
  for (const { type, offset, fileSize } of programs) {
    if (type !== Segment.load && type !== Segment.dynamic) continue;
    if (offset + fileSize > BigInt(file.size)) {
      throw refuse(
        "is cut short",
        `a segment ends at byte ${offset + fileSize} of a file of ${file.size}`,
        "Copy the file again in full.",
      );
    }
  }
  if (!programs.some(({ type }) => type === Segment.load))
    throw refuse("has nothing to load", "it is no program", "Deploy the linked program.");
  if (programs.some(({ type }) => type === Segment.interpreter))
    throw notStatic("it asks for a dynamic loader (PT_INTERP)", arch);
  const dynamic = programs.find(({ type }) => type === Segment.dynamic);
  if (dynamic !== undefined && (await needsLibraries(file, dynamic)))
    throw notStatic("it needs shared libraries (DT_NEEDED)", arch);
}

function checkIdentity(header: Buffer, arch: string): void {
  if (header.length < 4 || header.readUInt32BE(0) !== 0x7f454c46)
    throw refuse("is not an ELF program", "its first bytes are not those of one", "Deploy a compiled Linux program.");
  if (header.length < HEADER_BYTES)
    throw refuse(
      "is cut short",
      `it has ${header.length} bytes, less than an ELF header`,
      "Copy the file again in full.",
    );
  const [bits, order, , system] = header.subarray(4);
  if (bits !== 2) throw refuse("is a 32-bit program", "Nex runs 64-bit programs", hint(arch));
  if (order !== 1) throw refuse("is a big-endian program", "Nex runs little-endian programs", hint(arch));
  // 0 is System V, which Linux programs use; 3 is Linux, which those with GNU extensions use.
  if (system !== 0 && system !== 3)
    throw refuse("is for another operating system", `its ABI is number ${system}`, hint(arch));
  const type = header.readUInt16LE(16);
  if (type !== 2 && type !== 3)
    throw refuse(
      "is not a program",
      type === 1 ? "it is an object file" : `its type is ${type}`,
      "Deploy the linked program.",
    );
  const machine = header.readUInt16LE(18);
  const wanted = MACHINES[arch];
  if (machine !== wanted?.number) {
    throw refuse(
      `is for ${MACHINE_NAMES.get(machine) ?? `machine ${machine}`}`,
      `this node is ${MACHINE_NAMES.get(wanted?.number ?? 0) ?? arch}`,
      hint(arch),
    );
  }
}

async function readProgramHeaders(file: ProgramFile, header: Buffer): Promise<ProgramHeader[]> {
  const start = header.readBigUInt64LE(32);
  const entryBytes = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  if (count === 0) throw refuse("is not a program", "it has no program headers", "Deploy the linked program.");
  if (entryBytes !== PROGRAM_HEADER_BYTES || count > MAX_PROGRAM_HEADERS) {
    throw refuse("has a damaged header", `${count} program headers of ${entryBytes} bytes`, "Build it again.");
  }
  const length = count * PROGRAM_HEADER_BYTES;
  if (start + BigInt(length) > BigInt(file.size))
    throw refuse("is cut short", "its program headers lie beyond its end", "Copy the file again in full.");
  const table = await file.read(Number(start), length);
  if (table.length < length)
    throw refuse("is cut short", "its program headers lie beyond its end", "Copy the file again in full.");
  return Array.from({ length: count }, (_, index) => {
    const at = index * PROGRAM_HEADER_BYTES;
    return {
      type: table.readUInt32LE(at),
      offset: table.readBigUInt64LE(at + 8),
      fileSize: table.readBigUInt64LE(at + 32),
    };
  });
}

/** A static-pie program has a dynamic section too, but one that names no library. */
async function needsLibraries(file: ProgramFile, { offset, fileSize }: ProgramHeader): Promise<boolean> {
  if (fileSize > MAX_DYNAMIC_BYTES)
    throw refuse("has a damaged header", `a dynamic section of ${fileSize} bytes`, "Build it again.");
  const section = await file.read(Number(offset), Number(fileSize));
  for (let at = 0; at + 16 <= section.length; at += 16) {
    const tag = section.readBigUInt64LE(at);
    if (tag === Dynamic.end) return false;
    if (tag === Dynamic.needed) return true;
  }
  return false;
}

function notStatic(found: string, arch: string): NexError {
  return refuse("is dynamically linked", found, hint(arch));
}

function hint(arch: string): string {
  const triple = MACHINES[arch]?.triple ?? "x86_64-linux-musl";
  return `Build it static: gcc -static, CGO_ENABLED=0 go build, or cargo build --target ${triple.replace("-linux-", "-unknown-linux-")}.`;
}

function refuse(what: string, found: string, remedy: string): NexError {
  return new NexError("invalid_artifact", `The file ${what}: ${found}. ${remedy}`, { data: { found } });
}
