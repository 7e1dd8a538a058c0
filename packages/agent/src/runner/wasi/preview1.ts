import { randomFillSync } from "node:crypto";
import { clock } from "./clocks.ts";
import { Errno, WasiError } from "./errno.ts";
import { poll } from "./poll.ts";
import type { WasiProcess } from "./wasi-process.ts";

/** Gives back an error number, nothing for success, or throws {@link WasiError}. */
type SystemCall = (process: WasiProcess, ...args: never[]) => number | void;

const FDSTAT_BYTES = 24;
const FILESTAT_BYTES = 64;

/**
 * The functions of `wasi_snapshot_preview1`, all of them, so that every module for it starts. There are three
 * streams, clocks and randomness; there are no files and no sockets, and what asks for them is told so.
 */
const SYSTEM_CALLS: Readonly<Record<string, SystemCall>> = {
  args_get: ({ memory, args }, pointers: number, block: number) => args.write(memory, pointers, block),
  args_sizes_get: ({ memory, args }, count: number, length: number) => args.writeSizes(memory, count, length),
  environ_get: ({ memory, environment }, pointers: number, block: number) => environment.write(memory, pointers, block),
  environ_sizes_get: ({ memory, environment }, count: number, length: number) =>
    environment.writeSizes(memory, count, length),

  clock_res_get: ({ memory }, id: number, result: number) => memory.writeU64(result, clock(id).resolution),
  clock_time_get: ({ memory }, id: number, _precision: bigint, result: number) =>
    memory.writeU64(result, clock(id).now()),
  random_get: ({ memory }, pointer: number, length: number) => void randomFillSync(memory.bytes(pointer, length)),
  poll_oneoff: ({ memory, descriptors }, subscriptions: number, events: number, count: number, result: number) => {
    memory.bytes(result, 4);
    memory.writeU32(result, poll(memory, descriptors, subscriptions, events, count));
  },
  sched_yield: () => Errno.success,
  proc_exit: (guest, code: number) => guest.exit(code),
  proc_raise: () => Errno.noSystemCall,

  fd_read: ({ memory, descriptors }, descriptor: number, buffers: number, count: number, result: number) => {
    const stream = descriptors.get(descriptor);
    const into = memory.buffers(buffers, count);
    memory.bytes(result, 4);
    let total = 0;
    for (const buffer of into) {
      const length = stream.read(buffer);
      total += length;
      if (length < buffer.length) break;
    }
    memory.writeU32(result, total);
  },
  fd_write: ({ memory, descriptors }, descriptor: number, buffers: number, count: number, result: number) => {
    const stream = descriptors.get(descriptor);
    const from = memory.buffers(buffers, count);
    memory.bytes(result, 4);
    let total = 0;
    for (const buffer of from) {
      stream.write(buffer);
      total += buffer.length;
    }
    memory.writeU32(result, total);
  },
  fd_close: ({ descriptors }, descriptor: number) => descriptors.close(descriptor),
  fd_renumber: ({ descriptors }, from: number, to: number) => descriptors.renumber(from, to),
  // All zero but the rights: a stream of unknown type, which a C library buffers, unlike a terminal.
  fd_fdstat_get: ({ memory, descriptors }, descriptor: number, result: number) => {
    const { rights } = descriptors.get(descriptor);
    memory.bytes(result, FDSTAT_BYTES).fill(0);
    memory.writeU64((result >>> 0) + 8, rights);
  },
  fd_filestat_get: ({ memory, descriptors }, descriptor: number, result: number) => {
    descriptors.get(descriptor);
    memory.bytes(result, FILESTAT_BYTES).fill(0);
  },
  // Append and non-blocking make no difference to these streams; Go sets the latter.
  fd_fdstat_set_flags: ({ descriptors }, descriptor: number) => void descriptors.get(descriptor),
  fd_fdstat_set_rights: onStream(Errno.notSupported),
  fd_advise: onStream(Errno.notSeekable),
  fd_allocate: onStream(Errno.notSeekable),
  fd_datasync: onStream(Errno.invalid),
  fd_sync: onStream(Errno.invalid),
  fd_filestat_set_size: onStream(Errno.invalid),
  fd_filestat_set_times: onStream(Errno.invalid),
  fd_pread: onStream(Errno.notSeekable),
  fd_pwrite: onStream(Errno.notSeekable),
  fd_seek: onStream(Errno.notSeekable),
  fd_tell: onStream(Errno.notSeekable),
  fd_readdir: onStream(Errno.notDirectory),
  // C libraries ask from 3 on which directories they were given, until the first of these.
  fd_prestat_get: () => Errno.badDescriptor,
  fd_prestat_dir_name: () => Errno.badDescriptor,

  path_create_directory: onStream(Errno.notDirectory),
  path_filestat_get: onStream(Errno.notDirectory),
  path_filestat_set_times: onStream(Errno.notDirectory),
  path_link: onStream(Errno.notDirectory),
  path_open: onStream(Errno.notDirectory),
  path_readlink: onStream(Errno.notDirectory),
  path_remove_directory: onStream(Errno.notDirectory),
  path_rename: onStream(Errno.notDirectory),
  // Its first argument is the target's text, not a descriptor.
  path_symlink: () => Errno.badDescriptor,
  path_unlink_file: onStream(Errno.notDirectory),

  sock_accept: onStream(Errno.notSocket),
  sock_recv: onStream(Errno.notSocket),
  sock_send: onStream(Errno.notSocket),
  sock_shutdown: onStream(Errno.notSocket),
};

/** What a call that a stream cannot serve is told, if its first argument is a stream at all. */
function onStream(errno: number): SystemCall {
  return ({ descriptors }, descriptor: number) => {
    descriptors.get(descriptor);
    return errno;
  };
}

export const PREVIEW1 = "wasi_snapshot_preview1";

export const PREVIEW1_FUNCTIONS: ReadonlySet<string> = new Set(Object.keys(SYSTEM_CALLS));

/** One function for one instance. Faults become error numbers; nothing the guest passes makes a call throw otherwise. */
export function preview1Import(name: string, process: WasiProcess): (...args: never[]) => number {
  const call = SYSTEM_CALLS[name]!;
  return (...args) => {
    try {
      return call(process, ...args) ?? Errno.success;
    } catch (error) {
      if (error instanceof WasiError) return error.errno;
      throw error;
    }
  };
}
