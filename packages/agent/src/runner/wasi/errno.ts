/** Error numbers of WASI preview 1 that this implementation answers with (`witx/typenames.witx`, `errno`). */
export const Errno = {
  success: 0,
  badDescriptor: 8,
  fault: 21,
  invalid: 28,
  notSupported: 58,
  notDirectory: 54,
  notSocket: 57,
  noSystemCall: 52,
  notSeekable: 70,
} as const;

/** Ends a call with an error number; the guest sees only the number. */
export class WasiError extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`WASI errno ${errno}`);
    this.errno = errno;
  }
}
