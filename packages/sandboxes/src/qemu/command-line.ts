import { GUEST_NETWORK } from "../vm/guest-network.ts";
import type { VmSpec } from "../vm/vm-spec.ts";
import type { Platform } from "./platform.ts";
import { GUEST_SOCKETS } from "./guest-sockets.ts";

/**
 * Descriptors of QEMU beyond output and error. The image's files are opened by the node, so that no directory above
 * them must be open to the machine's user.
 */
export const QemuDescriptor = { kernel: 3, initramfs: 4, rootfs: 5, state: 6 } as const;

/** QEMU's monitor, in its working directory. */
export const MONITOR_SOCKET = "monitor.sock";

export interface MachineOptions {
  readonly spec: VmSpec;
  readonly platform: Platform;
  /** Carries connections; see {@link GUEST_SOCKETS}. Without it the machine has neither network nor monitor. */
  readonly socat?: string;
  /** `rtc`: what the machine's clock shows at its start, for one whose state is saved. Default: now. */
  readonly rtc?: string;
  /** Begins with the state in its descriptor, and stopped, instead of with its kernel. */
  readonly resumes?: boolean;
  /** False opens the host's network to the guest: only to show that the tests of the restriction can fail. */
  readonly isRestricted?: boolean;
  readonly extra?: readonly string[];
}

/** Translated code is kept in this much memory, MiB; more is no quicker. */
const TRANSLATION_CACHE_MIB = 128;

/** Everything QEMU is told. Paths are relative to its working directory: they need no quoting, whatever lies above. */
export function qemuArguments(options: MachineOptions): string[] {
  const { spec, platform, socat, rtc, resumes = false } = options;
  return [
    ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    // Not spawn=deny: each connection of the guest takes a program. Not elevateprivileges=deny: it would end that program
    // for opening a session of its own. Rights cannot be gained anyway, see `withoutRights`.
    ["-sandbox", "on,obsolete=deny,resourcecontrol=deny"],
    ["-machine", platform.machine === "microvm" ? "microvm,rtc=on,isa-serial=on" : "pc,usb=off,vmport=off"],
    platform.accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", `tcg,tb-size=${TRANSLATION_CACHE_MIB}`, "-cpu", "max"],
    ["-smp", String(spec.vcpus), "-m", String(spec.memoryMib)],
    ["-kernel", inherited("kernel"), "-initrd", inherited("initramfs"), "-append", kernelArguments(spec, platform)],
    ["-serial", "stdio"],
    rtc === undefined ? [] : ["-rtc", `base=${rtc}`],
    socat === undefined ? [] : devices(options, socat),
    resumes ? ["-incoming", `fd:${QemuDescriptor.state}`] : [],
    options.extra ?? [],
  ].flat();
}

function devices({ platform, isRestricted = true }: MachineOptions, socat: string): string[] {
  const bus = platform.machine === "microvm" ? "device" : "pci";
  const root = `file=${inherited("rootfs")},format=raw,if=none,id=root,readonly=on,file.locking=off`;
  return [
    ["-drive", root, "-device", `virtio-blk-${bus},drive=root`],
    ["-netdev", `user,id=net,${network(socat, isRestricted)}`],
    ["-device", `virtio-net-${bus},netdev=net,mac=${GUEST_NETWORK.mac}`],
    ["-device", `virtio-balloon-${bus}`],
    ["-qmp", `unix:${MONITOR_SOCKET},server=on,wait=off`],
  ].flat();
}

/**
 * QEMU's own network, in which the guest reaches two addresses and nothing else. Both must lie within it, though the
 * guest's idea of its network is much smaller. Each connection is carried by a program of its own to a socket that
 * only this machine's user and the node may open; a port on loopback would be open to everybody here.
 */
function network(socat: string, isRestricted: boolean): string {
  const { metadata, node, linkPort } = GUEST_NETWORK;
  const forward = (address: string, port: number, path: string): string =>
    `guestfwd=tcp:${address}:${port}-cmd:${socat.replaceAll(",", ",,")} STDIO UNIX-CONNECT:${path}`;
  return [
    `restrict=${isRestricted ? "on" : "off"}`,
    "ipv6=off",
    // Addresses of services that are not used have to be somewhere: at these nobody answers.
    "net=169.254.0.0/16,host=169.254.0.1,dns=169.254.0.3,dhcpstart=169.254.0.21",
    forward(metadata, 80, GUEST_SOCKETS.metadata),
    forward(node, linkPort, GUEST_SOCKETS.link),
  ].join(",");
}

function kernelArguments(spec: VmSpec, { accelerator, machine, tscKhz }: Platform): string {
  // There is no clock to measure the counter by, and a check of the timer that an emulated machine may fail by chance.
  const clock =
    accelerator === "tcg" && machine === "microvm" ? [`tsc_early_khz=${tscKhz}`, "tsc=reliable", "no_timer_check"] : [];
  return [...spec.bootArguments, ...clock].join(" ");
}

function inherited(name: keyof typeof QemuDescriptor): string {
  return `/proc/self/fd/${QemuDescriptor[name]}`;
}
