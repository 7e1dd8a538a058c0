import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * Reads the processor's time stamp counter right before and after the clock, sleeps 100 ms and does so again, then
 * writes both times 32 bytes: counter, seconds, nanoseconds, counter. Node cannot read the counter itself.
 */
const SAMPLER = Buffer.from(
  [
    "4883ec40 4889e3 bd02000000", //          sub rsp, 64; mov rbx, rsp; mov ebp, 2
    "0f31 48c1e220 4809d0 488903", //         sample: rdtsc; shl rdx, 32; or rax, rdx; mov [rbx], rax
    "b8e4000000 bf01000000 488d7308 0f05", // clock_gettime(CLOCK_MONOTONIC, rbx + 8)
    "0f31 48c1e220 4809d0 48894318", //       rdtsc; shl rdx, 32; or rax, rdx; mov [rbx + 24], rax
    "4883c320 ffcd 7419", //                  add rbx, 32; dec ebp; jz done
    "6800e1f505 6a00", //                     push 100000000; push 0
    "b823000000 4889e7 31f6 0f05", //         nanosleep(rsp, 0)
    "4883c410 ebb6", //                       add rsp, 16; jmp sample
    "b801000000 bf01000000 4889e6 ba40000000 0f05", // done: write(1, rsp, 64)
    "b8e7000000 31ff 0f05", //                exit_group(0)
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

/** An interruption between counter and clock makes a sample worthless. This many ticks take some µs. */
const MOST_TICKS_APART = 20_000n;
const TRIES = 5;

/**
 * Ticks of this machine's time stamp counter in a millisecond, which are those of an emulated one too: QEMU hands the
 * counter through, and a `microvm` has no other clock by which its kernel could find out. A wrong number would be a
 * wrong clock in the guest. Good to 0.01 %.
 * @param directory where a program may be put and started; the temporary directory is tried after it
 * @returns `undefined` where no program of ours can be started
 */
export async function measureTscKhz(directory: string): Promise<number | undefined> {
  for (const parent of [directory, tmpdir()]) {
    try {
      return await measureIn(parent);
    } catch {
      // Its file system forbids programs, or is full.
    }
  }
  return await tscKhzOfVirtualCpu();
}

async function measureIn(parent: string): Promise<number> {
  const directory = await mkdtemp(join(parent, "tsc-"));
  try {
    const program = join(directory, "sampler");
    await writeFile(program, executable(SAMPLER), { mode: 0o700 });
    const samples: Sample[] = [];
    for (let tries = 0; tries < TRIES && (samples[0]?.apart ?? MOST_TICKS_APART) >= MOST_TICKS_APART; tries++) {
      const { stdout } = await promisify(execFile)(program, { encoding: "buffer", timeout: 5000 });
      samples.push(readSample(stdout));
      samples.sort((left, right) => Number(left.apart - right.apart));
    }
    return samples[0]!.khz;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Sample {
  readonly khz: number;
  /** Ticks between the readings of the counter and of the clock. */
  readonly apart: bigint;
}

function readSample(bytes: Buffer): Sample {
  const at = (offset: number): bigint => bytes.readBigUInt64LE(offset);
  const clock = (offset: number): bigint => at(offset + 8) * 1_000_000_000n + at(offset + 16);
  const middle = (offset: number): bigint => (at(offset) + at(offset + 24)) / 2n;
  const ticks = Number(middle(32) - middle(0));
  const nanoseconds = Number(clock(32) - clock(0));
  const apart = [0, 32].reduce((most, offset) => {
    const ticksApart = at(offset + 24) - at(offset);
    return ticksApart > most ? ticksApart : most;
  }, 0n);
  return { khz: Math.round((ticks / nanoseconds) * 1e6), apart };
}

/** The smallest static ELF file: one segment with the code behind its headers. */
function executable(code: Buffer): Buffer {
  const headers = 64 + 56;
  const base = 0x400000n;
  const file = Buffer.alloc(headers + code.length);
  file.write("\x7fELF", "latin1");
  file.set([2, 1, 1], 4); // 64 bit, little-endian, version
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(62, 18); // x86-64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(headers), 24); // entry
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // load
  file.writeUInt32LE(5, 68); // read and execute
  file.writeBigUInt64LE(base, 80);
  file.writeBigUInt64LE(base, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(4096n, 112);
  code.copy(file, headers);
  return file;
}

/** On a virtual processor the kernel shows the counter's rate; on a real one the present speed, which is another. */
async function tscKhzOfVirtualCpu(): Promise<number | undefined> {
  const text = await readFile("/proc/cpuinfo", "latin1").catch(() => "");
  const isVirtual = /^flags\s*:.*\bconstant_tsc\b.*\bhypervisor\b/m.test(text);
  const megahertz = Number(/^cpu MHz\s*:\s*([\d.]+)/m.exec(text)?.[1]);
  return isVirtual && megahertz > 0 ? Math.round(megahertz * 1000) : undefined;
}
