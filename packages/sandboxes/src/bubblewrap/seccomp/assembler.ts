/**
 * Classic BPF, the little machine the kernel runs a system call filter on: one accumulator, forward jumps, and
 * read-only access to the call's number, architecture and arguments. Instructions are 8 bytes: code, two jump
 * offsets, a constant.
 */
export type Step =
  /** Reads 32 bits of the call's data at this offset into the accumulator. */
  | { readonly do: "load"; readonly offset: number }
  | { readonly do: "and"; readonly mask: number }
  /** Goes to the label if the comparison does not hold, else on to the next step. */
  | { readonly do: "unless"; readonly is: keyof typeof JUMPS; readonly value: number; readonly to: string }
  | { readonly do: "jump"; readonly to: string }
  | { readonly do: "label"; readonly name: string }
  | { readonly do: "return"; readonly value: number };

const LOAD_ABSOLUTE = 0x20;
const AND_CONSTANT = 0x54;
const RETURN_CONSTANT = 0x06;
const JUMP_ALWAYS = 0x05;
const JUMPS = { equal: 0x15, above: 0x25, atLeast: 0x35, anyBitOf: 0x45 } as const;

/** Bytes of an instruction. */
const INSTRUCTION = 8;
const LONGEST_JUMP = 255;

/** @throws RangeError for a jump that is too long, goes backwards, or goes nowhere: a fault of the program's author */
export function assemble(steps: readonly Step[]): Buffer {
  const labels = new Map<string, number>();
  const instructions: Exclude<Step, { readonly do: "label" }>[] = [];
  for (const step of steps) {
    if (step.do === "label") labels.set(step.name, instructions.length);
    else instructions.push(step);
  }
  const program = Buffer.alloc(instructions.length * INSTRUCTION);
  for (const [index, step] of instructions.entries()) {
    const at = index * INSTRUCTION;
    if (step.do === "load") write(program, at, LOAD_ABSOLUTE, 0, step.offset);
    else if (step.do === "and") write(program, at, AND_CONSTANT, 0, step.mask);
    else if (step.do === "return") write(program, at, RETURN_CONSTANT, 0, step.value);
    else {
      const skipped = distance(labels.get(step.to), index, step.to);
      if (step.do === "jump") write(program, at, JUMP_ALWAYS, 0, skipped);
      else write(program, at, JUMPS[step.is], skipped, step.value);
    }
  }
  return program;
}

function distance(target: number | undefined, from: number, name: string): number {
  const steps = (target ?? -1) - from - 1;
  if (target === undefined || steps < 0 || steps > LONGEST_JUMP)
    throw new RangeError(`No jump from instruction ${from} reaches "${name}".`);
  return steps;
}

function write(program: Buffer, at: number, code: number, ifFalse: number, constant: number): void {
  program.writeUInt16LE(code, at);
  program.writeUInt8(0, at + 2);
  program.writeUInt8(ifFalse, at + 3);
  program.writeUInt32LE(constant >>> 0, at + 4);
}
