import { clock, sleep } from "./clocks.ts";
import type { Descriptors } from "./descriptors.ts";
import { Errno, WasiError } from "./errno.ts";
import type { GuestMemory } from "./guest-memory.ts";

/** Sizes and offsets of `subscription` and `event` (`witx/typenames.witx`). */
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;

/** Nobody has so many reasons to wait; each costs this process memory. */
const MAX_SUBSCRIPTIONS = 4096;

const EventType = { clock: 0, read: 1, write: 2 } as const;

const ABSOLUTE_TIME = 1;
const HANG_UP = 1;

interface Timer {
  readonly userData: bigint;
  readonly left: () => bigint;
}

/**
 * `poll_oneoff`: standard streams are always ready, so only a guest that waits for nothing but clocks sleeps,
 * until the first of them.
 * @returns the number of events written
 */
export function poll(
  memory: GuestMemory,
  descriptors: Descriptors,
  subscriptions: number,
  events: number,
  count: number,
): number {
  if (count >>> 0 === 0 || count >>> 0 > MAX_SUBSCRIPTIONS) throw new WasiError(Errno.invalid);
  memory.bytes(subscriptions, (count >>> 0) * SUBSCRIPTION_BYTES);
  memory.bytes(events, (count >>> 0) * EVENT_BYTES);
  const timers: Timer[] = [];
  // Collected first: the guest may have laid events over subscriptions.
  const ready: (() => void)[] = [];
  const add = (userData: bigint, type: number, errno: number, bytes = 0, flags = 0): void => {
    const at = (events >>> 0) + ready.length * EVENT_BYTES;
    ready.push(() => {
      memory.bytes(at, EVENT_BYTES).fill(0);
      memory.writeU64(at, userData);
      memory.writeU16(at + 8, errno);
      memory.writeU8(at + 10, type);
      memory.writeU64(at + 16, BigInt(bytes));
      memory.writeU16(at + 24, flags);
    });
  };
  for (let index = 0; index < count >>> 0; index++) {
    const at = (subscriptions >>> 0) + index * SUBSCRIPTION_BYTES;
    const userData = memory.readU64(at);
    const type = memory.readU8(at + 8);
    if (type === EventType.clock) {
      const left = readTimer(memory, at + 16);
      if (left === undefined) add(userData, type, Errno.invalid);
      else timers.push({ userData, left });
    } else if (type === EventType.read || type === EventType.write) {
      const { errno, available } = look(descriptors, memory.readU32(at + 16));
      const isAtEnd = type === EventType.read && errno === Errno.success && available === 0;
      add(userData, type, errno, type === EventType.read ? available : 0, isAtEnd ? HANG_UP : 0);
    } else throw new WasiError(Errno.invalid);
  }
  if (ready.length === 0) sleepUntilFirst(timers);
  for (const { userData, left } of timers) if (left() <= 0n) add(userData, EventType.clock, Errno.success);
  for (const write of ready) write();
  return ready.length;
}

/** Time left of the `subscription_clock` at `at`, ns; `undefined` for a clock that is not there. */
function readTimer(memory: GuestMemory, at: number): (() => bigint) | undefined {
  const id = memory.readU32(at);
  // Realtime and monotonic; nothing can be waited for by a clock that stands still meanwhile.
  if (id > 1) return undefined;
  const source = clock(id);
  const timeout = memory.readU64(at + 8);
  const isAbsolute = (memory.readU16(at + 24) & ABSOLUTE_TIME) !== 0;
  // What is relative must not depend on whether somebody sets the time meanwhile.
  const monotonic = clock(1);
  const end = isAbsolute ? timeout : monotonic.now() + timeout;
  return () => end - (isAbsolute ? source : monotonic).now();
}

function sleepUntilFirst(timers: readonly Timer[]): void {
  for (;;) {
    let first: bigint | undefined;
    for (const { left } of timers) {
      const remaining = left();
      if (first === undefined || remaining < first) first = remaining;
    }
    if (first === undefined || first <= 0n) return;
    sleep(first);
  }
}

function look(descriptors: Descriptors, descriptor: number): { readonly errno: number; readonly available: number } {
  try {
    return { errno: Errno.success, available: descriptors.get(descriptor).available };
  } catch (error) {
    if (error instanceof WasiError) return { errno: error.errno, available: 0 };
    throw error;
  }
}
