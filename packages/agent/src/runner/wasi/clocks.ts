import { Errno, WasiError } from "./errno.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_US = 1000n;

interface Clock {
  /** ns since the clock's own beginning. */
  now(): bigint;
  /** ns */
  readonly resolution: bigint;
}

/** In the order of `clockid`: realtime, monotonic, CPU time of the process, CPU time of the thread. */
const CLOCKS: readonly Clock[] = [
  { now: () => BigInt(Date.now()) * NS_PER_MS, resolution: NS_PER_MS },
  { now: () => process.hrtime.bigint(), resolution: 1n },
  { now: () => cpuTime(process.cpuUsage()), resolution: NS_PER_US },
  { now: () => cpuTime(process.threadCpuUsage()), resolution: NS_PER_US },
];

/** @throws WasiError `invalid` for a clock that preview 1 does not have */
export function clock(id: number): Clock {
  const found = CLOCKS[id];
  if (found === undefined) throw new WasiError(Errno.invalid);
  return found;
}

function cpuTime({ user, system }: NodeJS.CpuUsage): bigint {
  return BigInt(user + system) * NS_PER_US;
}

const NOBODY_WAKES_US: Int32Array = new Int32Array(new SharedArrayBuffer(4));

/**
 * Blocks this process without using the processor, the event loop included: a command is synchronous. Whoever
 * sleeps past the invocation's deadline is ended like an endless loop, by the end of the runner.
 */
export function sleep(nanoseconds: bigint): void {
  Atomics.wait(NOBODY_WAKES_US, 0, 0, Number(nanoseconds) / Number(NS_PER_MS));
}
