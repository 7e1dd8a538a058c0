/** What the kernel hands a system call filter. */
export interface SystemCall {
  readonly number: number;
  readonly architecture: number;
  /** 32 bits each are enough for what filters of ours look at. */
  readonly arguments: readonly number[];
}

/** Runs a filter as the kernel does. Throws for what the kernel would not have let in. */
export function interpret(program: Buffer, call: SystemCall): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.architecture >>> 0, 4);
  call.arguments.forEach((value, index) => data.writeUInt32LE(value >>> 0, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const [code, ifTrue, ifFalse] = [program.readUInt16LE(at), program[at + 2]!, program[at + 3]!];
    const constant = program.readUInt32LE(at + 4);
    const jump = (holds: boolean): void => void (at += 8 * (holds ? ifTrue : ifFalse));
    if (code === 0x20) {
      if (constant % 4 !== 0) throw new Error("A filter may read aligned words only.");
      accumulator = data.readUInt32LE(constant);
    } else if (code === 0x54) accumulator = (accumulator & constant) >>> 0;
    else if (code === 0x05) at += 8 * constant;
    else if (code === 0x15) jump(accumulator === constant);
    else if (code === 0x25) jump(accumulator > constant);
    else if (code === 0x35) jump(accumulator >= constant);
    else if (code === 0x45) jump((accumulator & constant) !== 0);
    else if (code === 0x06) return constant;
    else throw new Error(`Unknown instruction 0x${code.toString(16)}.`);
  }
  throw new Error("The filter runs off its end.");
}
