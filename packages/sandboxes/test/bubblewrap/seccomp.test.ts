import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../src/bubblewrap/seccomp/assembler.ts";
import { type FilteredMachine, systemCallFilter } from "../../src/bubblewrap/seccomp/filter.ts";
import { CHECKED, DENIED, LAST_KNOWN, UNKNOWN } from "../../src/bubblewrap/seccomp/system-calls.ts";
import { interpret, type SystemCall } from "./support/bpf-interpreter.ts";

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (number: number): number => 0x00050000 | number;
const [EPERM, ENOSYS, EPROTONOSUPPORT, EAFNOSUPPORT] = [1, 38, 93, 97].map(errno);

const MACHINES = [
  { machine: "x64", column: 0, architecture: 0xc000003e, other: 0x40000003 },
  { machine: "arm64", column: 1, architecture: 0xc00000b7, other: 0x40000028 },
] as const;

function filterOf(machine: FilteredMachine): (call: Partial<SystemCall>) => number {
  const program = systemCallFilter(machine)!;
  const { architecture } = MACHINES.find((known) => known.machine === machine)!;
  return (call) => interpret(program, { number: 0, architecture, arguments: [], ...call });
}

for (const { machine, column, other } of MACHINES) {
  const filter = filterOf(machine);
  const call = (name: keyof typeof CHECKED, ...args: number[]): number =>
    filter({ number: CHECKED[name][column], arguments: args });

  test(`on ${machine} every number is answered as the lists say, whatever the arguments`, () => {
    const denied = new Set(Object.values(DENIED).map((numbers) => numbers[column]));
    const unknown = new Set(Object.values(UNKNOWN).map((numbers) => numbers[column]));
    const checked = new Set(Object.values(CHECKED).map((numbers) => numbers[column]));
    assert.ok(denied.size > 50 && unknown.size === 4);
    for (let number = 0; number <= LAST_KNOWN + 600; number++) {
      if (checked.has(number)) continue;
      const expected = number > LAST_KNOWN || unknown.has(number) ? ENOSYS : denied.has(number) ? EPERM : ALLOW;
      for (const args of [[], [1, 2, 3], [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]]) {
        assert.equal(filter({ number, arguments: args }), expected, `number ${number}`);
      }
    }
  });

  test(`on ${machine} calls of another architecture or convention end the process or do not exist`, () => {
    for (const number of [0, 1, 165, 400]) {
      assert.equal(filter({ number, architecture: other }), KILL);
      assert.equal(filter({ number: (0x40000000 | number) >>> 0 }), ENOSYS);
    }
    assert.equal(filter({ number: 0xffffffff }), ENOSYS);
  });

  test(`on ${machine} a clone may make threads and processes but no namespace`, () => {
    const thread = 0x3d0f00;
    for (const flags of [17, thread, 0x4111]) assert.equal(call("clone", flags), ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.equal(call("clone", flag), EPERM);
      assert.equal(call("clone", (flag | thread) >>> 0), EPERM);
    }
  });

  test(`on ${machine} sockets are Unix, TCP, UDP and the list of interfaces`, () => {
    const [unix, inet, inet6, netlink] = [1, 2, 10, 16];
    const [stream, datagram, raw, sequenced] = [1, 2, 3, 5];
    const closeOnExec = 0x80000;
    for (const family of [inet, inet6]) {
      for (const type of [stream, datagram, stream | closeOnExec]) {
        for (const protocol of [0, 6, 17]) assert.equal(call("socket", family, type, protocol), ALLOW);
        for (const protocol of [1, 132, 262]) assert.equal(call("socket", family, type, protocol), EPROTONOSUPPORT);
      }
      for (const type of [raw, sequenced, raw | closeOnExec]) assert.equal(call("socket", family, type, 0), EPERM);
    }
    for (const type of [stream, datagram, sequenced]) assert.equal(call("socket", unix, type, 0), ALLOW);
    assert.equal(call("socket", netlink, raw | closeOnExec, 0), ALLOW);
    for (const protocol of [2, 6, 9, 15, 16]) assert.equal(call("socket", netlink, raw, protocol), EPROTONOSUPPORT);
    for (let family = 0; family < 64; family++) {
      if (family !== unix) assert.equal(call("socketpair", family, stream, 0), EAFNOSUPPORT);
      if (![unix, inet, inet6, netlink].includes(family))
        assert.equal(call("socket", family, raw, 0), EAFNOSUPPORT, `family ${family}`);
    }
    assert.equal(call("socketpair", unix, stream, 0), ALLOW);
  });

  test(`on ${machine} the personality stays, and nobody types into terminals`, () => {
    for (const ordinary of [0, 0xffffffff]) assert.equal(call("personality", ordinary), ALLOW);
    for (const strange of [0x40000, 8, 0x20000]) assert.equal(call("personality", strange), EPERM);
    for (const trick of [0x5412, 0x541c]) assert.equal(call("ioctl", 0, trick), EPERM);
    assert.equal(call("ioctl", 0, 0x5401), ALLOW);
  });
}

test("a machine whose numbers we do not know has no filter", () => {
  assert.equal(systemCallFilter("riscv64"), undefined);
});

test("the assembler refuses jumps that no instruction can hold", () => {
  const far = Array.from({ length: 256 }, () => ({ do: "and", mask: 0 }) as const);
  const jump = { do: "unless", is: "equal", value: 1, to: "end" } as const;
  assert.throws(() => assemble([jump, ...far, { do: "label", name: "end" }]), RangeError);
  assert.throws(() => assemble([{ do: "label", name: "end" }, jump]), RangeError);
  assert.throws(() => assemble([jump]), RangeError);
  assert.equal(assemble([jump, ...far.slice(1), { do: "label", name: "end" }]).length, 256 * 8);
});
