// What a function needs of WASI preview 1, for AssemblyScript: its arguments, stdin, stdout and stderr.

@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, length: usize): u32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(pointers: usize, block: usize): u32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(descriptor: u32, buffers: usize, count: u32, result: usize): u32;
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(descriptor: u32, buffers: usize, count: u32, result: usize): u32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: u32): void;

/** Where calls leave numbers, and where the one buffer of a read or write is described: address, then length. */
const results = memory.data(8);
const vector = memory.data(8);

/** The subject that the message came in on. */
export function subject(): string {
  args_sizes_get(results, results + 4);
  const pointers = new StaticArray<usize>(load<u32>(results));
  const block = new ArrayBuffer(load<u32>(results + 4));
  args_get(changetype<usize>(pointers), changetype<usize>(block));
  return pointers.length > 1 ? String.UTF8.decodeUnsafe(pointers[1], block.byteLength, true) : "";
}

/** The message's payload. */
export function payload(): ArrayBuffer {
  let buffer = new Uint8Array(4096);
  let length = 0;
  while (true) {
    store<usize>(vector, buffer.dataStart + length);
    store<u32>(vector + 4, buffer.length - length);
    if (fd_read(0, vector, 1, results) != 0) break;
    const read = load<u32>(results);
    if (read == 0) break;
    length += read;
    if (length == buffer.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(buffer);
      buffer = larger;
    }
  }
  return buffer.buffer.slice(0, length);
}

/** Adds to the reply. */
export function reply(text: string): void {
  write(1, String.UTF8.encode(text));
}

/** Writes a line to the workload's log. */
export function log(text: string): void {
  write(2, String.UTF8.encode(text + "\n"));
}

function write(descriptor: u32, bytes: ArrayBuffer): void {
  store<usize>(vector, changetype<usize>(bytes));
  store<u32>(vector + 4, bytes.byteLength);
  fd_write(descriptor, vector, 1, results);
}

/** What AssemblyScript calls when something throws: `--use abort=assembly/wasi/abort`. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  log(`${message ? message : "abort"} at ${file ? file : "?"}:${line}:${column}`);
  proc_exit(255);
}
