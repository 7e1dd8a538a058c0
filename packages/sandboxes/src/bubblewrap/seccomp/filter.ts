import { assemble, type Step } from "./assembler.ts";
import { CHECKED, DENIED, LAST_KNOWN, UNKNOWN } from "./system-calls.ts";

/** Offsets in `struct seccomp_data`. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const ARGUMENTS = 16;

/** What the kernel does with a call. */
const Action = { allow: 0x7fff0000, error: 0x00050000, killProcess: 0x80000000 } as const;

/** Error numbers, which are the same on both machines. */
const Errno = { notPermitted: 1, noSuchCall: 38, noSuchProtocol: 93, noSuchFamily: 97 } as const;

const MACHINES = {
  x64: { column: 0, architecture: 0xc000003e },
  arm64: { column: 1, architecture: 0xc00000b7 },
} as const;

export type FilteredMachine = keyof typeof MACHINES;

/** Flags of `clone` that make a namespace: mount, cgroup, uts, ipc, user, pid, net. */
const NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;

const Family = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const SocketType = { mask: 0xf, stream: 1, datagram: 2 } as const;
const Protocol = { default: 0, tcp: 6, udp: 17 } as const;

/** Put characters into a terminal's input, as if they had been typed. */
const TERMINAL_TRICKS = [0x5412, 0x541c];

/**
 * The system call filter of a sandbox for this machine, as `struct sock_filter[]`; `undefined` if we have none.
 * It forbids what Node, the agent and an ordinary service never need, and so keeps large parts of the kernel out
 * of a hostile workload's reach.
 */
export function systemCallFilter(machine: string): Buffer | undefined {
  return machine in MACHINES ? assemble(filterSteps(machine as FilteredMachine)) : undefined;
}

function filterSteps(machine: FilteredMachine): Step[] {
  const { column, architecture } = MACHINES[machine];
  const listed = (calls: typeof DENIED, action: Step): Step[] =>
    Object.values(calls).flatMap((numbers) => {
      const number = numbers[column];
      return number === undefined ? [] : when(number, [action]);
    });
  const checked = (call: keyof typeof CHECKED, steps: readonly Step[]): Step[] => when(CHECKED[call][column], steps);
  return [
    load(ARCHITECTURE),
    ...unless("equal", architecture, [{ do: "return", value: Action.killProcess }]),
    load(NUMBER),
    // On x86-64 the numbers of the calling convention with 32-bit pointers among them.
    ...when(LAST_KNOWN, [fail(Errno.noSuchCall)], "above"),
    ...checked("clone", [argument(0), ...when(NEW_NAMESPACES, [fail(Errno.notPermitted)], "anyBitOf"), allow]),
    ...checked("socket", socketSteps()),
    ...checked("socketpair", [argument(0), ...when(Family.unix, [allow]), fail(Errno.noSuchFamily)]),
    // Zero is ordinary Linux; all ones asks what it is.
    ...checked("personality", [
      argument(0),
      ...when(0, [allow]),
      ...when(0xffffffff, [allow]),
      fail(Errno.notPermitted),
    ]),
    ...checked("ioctl", [
      argument(1),
      ...TERMINAL_TRICKS.flatMap((request) => when(request, [fail(Errno.notPermitted)])),
      allow,
    ]),
    ...listed(DENIED, fail(Errno.notPermitted)),
    ...listed(UNKNOWN, fail(Errno.noSuchCall)),
    allow,
  ];
}

/** Unix sockets; TCP and UDP; and of netlink what lists the sandbox's own interfaces. */
function socketSteps(): Step[] {
  const internet: Step[] = [
    argument(1),
    { do: "and", mask: SocketType.mask },
    ...unless("equal", SocketType.stream, unless("equal", SocketType.datagram, [fail(Errno.notPermitted)])),
    argument(2),
    ...Object.values(Protocol).flatMap((protocol) => when(protocol, [allow])),
    fail(Errno.noSuchProtocol),
  ];
  return [
    argument(0),
    ...when(Family.unix, [allow]),
    ...when(Family.netlink, [argument(2), ...when(Protocol.default, [allow]), fail(Errno.noSuchProtocol)]),
    ...when(Family.inet, internet),
    ...when(Family.inet6, internet),
    fail(Errno.noSuchFamily),
  ];
}

const allow: Step = { do: "return", value: Action.allow };

function fail(errno: number): Step {
  return { do: "return", value: Action.error | errno };
}

function load(offset: number): Step {
  return { do: "load", offset };
}

/** The low half of an argument: all that the kernel itself looks at in the arguments we check. */
function argument(index: number): Step {
  return load(ARGUMENTS + index * 8);
}

let labels = 0;

/** `steps`, if the accumulator compares so with `value`. They must end in returns, or leave the accumulator as it is. */
function when(value: number, steps: readonly Step[], is: "equal" | "above" | "anyBitOf" = "equal"): Step[] {
  const name = `after ${++labels}`;
  return [{ do: "unless", is, value, to: name }, ...steps, { do: "label", name }];
}

function unless(is: "equal", value: number, steps: readonly Step[]): Step[] {
  const [otherwise, end] = [`otherwise ${++labels}`, `end ${labels}`];
  return [
    { do: "unless", is, value, to: otherwise },
    { do: "jump", to: end },
    { do: "label", name: otherwise },
    ...steps,
    { do: "label", name: end },
  ];
}
