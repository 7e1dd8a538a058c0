import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Errno } from "../../src/runner/wasi/errno.ts";
import { PREVIEW1_FUNCTIONS, preview1Import } from "../../src/runner/wasi/preview1.ts";
import { StringList } from "../../src/runner/wasi/string-list.ts";
import { WasiProcess } from "../../src/runner/wasi/wasi-process.ts";
import { WebAssembly } from "../../src/runner/wasm/engine.ts";

const PAGE = 65_536;

class Guest {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  readonly process = new WasiProcess({
    args: ["nexfunction", "orders.de"],
    environment: new StringList(["NAME=ü"]),
    stdin: Buffer.from("payload"),
    maxOutput: 100,
    onErrorLine: () => undefined,
  });

  constructor() {
    this.process.memory.attach(this.memory);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  call(name: string, ...args: readonly (number | bigint)[]): number {
    return preview1Import(name, this.process)(...(args as never[]));
  }

  /** Puts a list of one buffer at the address. */
  buffer(at: number, pointer: number, length: number): void {
    this.view.setUint32(at, pointer, true);
    this.view.setUint32(at + 4, length, true);
  }
}

/** Calls with one pointer to a result of so many bytes, and the arguments before it. */
const RESULTS: readonly (readonly [name: string, before: readonly (number | bigint)[], bytes: number])[] = [
  ["clock_time_get", [0, 0n], 8],
  ["clock_res_get", [1], 8],
  ["fd_fdstat_get", [0], 24],
  ["fd_filestat_get", [1], 64],
];

describe("Pointers of a WASI guest", () => {
  for (const [name, before, bytes] of RESULTS) {
    it(`${name} writes up to the last byte and faults beyond`, () => {
      const guest = new Guest();
      assert.equal(guest.call(name, ...before, PAGE - bytes), Errno.success);
      for (const pointer of [PAGE - bytes + 1, PAGE, -1, -bytes, 0x7fff_ffff, -0x8000_0000])
        assert.equal(guest.call(name, ...before, pointer), Errno.fault, `at ${pointer}`);
    });
  }

  it("faults for lengths that lead out of the memory, also around its end", () => {
    const guest = new Guest();
    assert.equal(guest.call("random_get", 0, PAGE), Errno.success);
    assert.equal(guest.call("random_get", 1, PAGE), Errno.fault);
    assert.equal(guest.call("random_get", -1, 2), Errno.fault);
    assert.equal(guest.call("random_get", 16, -1), Errno.fault);
  });

  it("faults for buffers outside, before anything was read or written", () => {
    const guest = new Guest();
    guest.buffer(0, 100, 4);
    guest.buffer(8, PAGE - 1, 2);
    assert.equal(guest.call("fd_write", 1, 0, 2, 64), Errno.fault);
    assert.equal(guest.process.output.length, 0);
    assert.equal(guest.call("fd_read", 0, 0, 2, 64), Errno.fault);
    assert.equal(guest.call("fd_read", 0, 0, 1, PAGE - 3), Errno.fault);
    assert.equal(guest.call("fd_read", 0, PAGE - 7, 1, 64), Errno.fault);
    assert.equal(guest.call("fd_write", 1, 0, -1, 64), Errno.invalid);
    assert.equal(guest.call("fd_read", 0, 0, 1, 64), Errno.success);
    assert.equal(Buffer.from(guest.memory.buffer, 100, 4).toString(), "payl");
  });

  it("sees memory that has grown", () => {
    const guest = new Guest();
    assert.equal(guest.call("random_get", PAGE, 4), Errno.fault);
    guest.memory.grow(1);
    assert.equal(guest.call("random_get", PAGE, 4), Errno.success);
    assert.equal(guest.call("args_get", 2 * PAGE - 8, 0), Errno.success);
    assert.equal(guest.call("args_get", 2 * PAGE - 7, 0), Errno.fault);
  });

  it("writes nothing when a list does not fit", () => {
    const guest = new Guest();
    assert.equal(guest.call("environ_get", PAGE - 4, PAGE - 5), Errno.fault);
    assert.equal(guest.call("environ_get", PAGE - 3, 0), Errno.fault);
    assert.ok(Buffer.from(guest.memory.buffer).every((byte) => byte === 0));
  });

  it("faults before a memory is known", () => {
    const process = new WasiProcess({
      args: [],
      environment: new StringList([]),
      stdin: Buffer.alloc(0),
      maxOutput: 0,
      onErrorLine: () => undefined,
    });
    assert.equal(preview1Import("args_sizes_get", process)(...([0, 4] as never[])), Errno.fault);
  });

  it("gets an error number or its process's end from every function, whatever it passes", () => {
    const number = fc.oneof(fc.integer(), fc.nat(70_000), fc.constantFrom(0, 1, 2, 3, PAGE, PAGE - 8, -1));
    fc.assert(
      fc.property(
        fc.constantFrom(...PREVIEW1_FUNCTIONS),
        fc.array(number, { minLength: 9, maxLength: 9 }),
        // A time-out of zero stays zero, so that nothing sleeps.
        (name, args) => {
          const guest = new Guest();
          try {
            const errno = guest.call(name, ...args);
            assert.ok(Number.isInteger(errno) && errno >= 0 && errno <= 76, `${name} gave ${errno}`);
          } catch (error) {
            if (name !== "proc_exit" || guest.process.exitCode === undefined) throw error;
          }
          assert.equal(guest.memory.buffer.byteLength, PAGE);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe("poll_oneoff", () => {
  const SUBSCRIPTIONS = 0;
  const EVENTS = 4096;
  const COUNT = 8192;

  function subscribe(guest: Guest, index: number, tag: number, id: number, timeoutNs = 0n, absolute = false): void {
    const at = SUBSCRIPTIONS + index * 48;
    guest.view.setBigUint64(at, BigInt(index + 1), true);
    guest.view.setUint8(at + 8, tag);
    guest.view.setUint32(at + 16, id, true);
    guest.view.setBigUint64(at + 24, timeoutNs, true);
    guest.view.setUint16(at + 40, absolute ? 1 : 0, true);
  }

  function events(guest: Guest): { readonly from: number; readonly errno: number; readonly bytes: number }[] {
    return Array.from({ length: guest.view.getUint32(COUNT, true) }, (_, index) => ({
      from: Number(guest.view.getBigUint64(EVENTS + index * 32, true)),
      errno: guest.view.getUint16(EVENTS + index * 32 + 8, true),
      bytes: Number(guest.view.getBigUint64(EVENTS + index * 32 + 16, true)),
    }));
  }

  it("sleeps until the first of several clocks", () => {
    const guest = new Guest();
    subscribe(guest, 0, 0, 1, 3_600_000_000_000n);
    subscribe(guest, 1, 0, 0, 20_000_000n);
    const began = performance.now();
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 2, COUNT), Errno.success);
    assert.ok(performance.now() - began >= 20);
    assert.deepEqual(events(guest), [{ from: 2, errno: 0, bytes: 0 }]);
  });

  it("knows absolute times, also past ones", () => {
    const guest = new Guest();
    subscribe(guest, 0, 0, 0, BigInt(Date.now() - 1000) * 1_000_000n, true);
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, COUNT), Errno.success);
    assert.deepEqual(events(guest), [{ from: 1, errno: 0, bytes: 0 }]);
  });

  it("does not sleep when a stream is ready, and tells what cannot be waited for", () => {
    const guest = new Guest();
    subscribe(guest, 0, 1, 0);
    subscribe(guest, 1, 2, 1);
    subscribe(guest, 2, 1, 7);
    subscribe(guest, 3, 0, 1, 3_600_000_000_000n);
    subscribe(guest, 4, 0, 3);
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 5, COUNT), Errno.success);
    assert.deepEqual(events(guest), [
      { from: 1, errno: Errno.success, bytes: 7 },
      { from: 2, errno: Errno.success, bytes: 0 },
      { from: 3, errno: Errno.badDescriptor, bytes: 0 },
      { from: 5, errno: Errno.invalid, bytes: 0 },
    ]);
  });

  it("refuses nothing, too much and unknown things", () => {
    const guest = new Guest();
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 0, COUNT), Errno.invalid);
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 5000, COUNT), Errno.invalid);
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, PAGE - 31, 1, COUNT), Errno.fault);
    subscribe(guest, 0, 3, 0);
    assert.equal(guest.call("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, COUNT), Errno.invalid);
  });
});
