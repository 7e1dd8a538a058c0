import { Descriptor, Place, INNER_ID, INNER_NAME } from "./places.ts";
import type { Shown } from "./view.ts";
import { withoutRights } from "../setpriv.ts";

export interface CommandParts {
  /** User of this machine that the sandbox is; the node's own if `undefined`. */
  readonly uid: number | undefined;
  /** To be entered before anything else. */
  readonly cgroupEntrances: readonly string[];
  readonly shareNetwork: boolean;
  readonly diskBytes: number;
  /** Directories of the node's for this sandbox. */
  readonly directories: { readonly room: string; readonly etc: string; readonly link: string };
  readonly hosts: string;
  readonly view: readonly Shown[];
  readonly hasFilter: boolean;
  /** Name of the `bwrap` program. */
  readonly bubblewrap: string;
  /** What runs inside. */
  readonly command: readonly string[];
}

/** Open files of one process. Enough for a busy server, and the kernel's memory behind them stays bounded. */
const MAX_OPEN_FILES = 16_384;

/** Files and directories that fit into a sandbox's room: each takes about a kilobyte of the kernel's memory. */
const BYTES_PER_FILE = 8192;

/** Bytes that one unit of `ulimit -f` stands for. */
const ULIMIT_BLOCK = 512;

/**
 * The first stage, as the node's user: limits. No core files, which would lie on the machine's disk.
 * A limit of open files above the one that holds already cannot be set and need not be.
 */
const ENTER = `ulimit -c 0
ulimit -n "$1" 2>/dev/null
ulimit -f "$2"
shift 2
while [ "$1" != -- ]; do echo 0 > "$1" || exit 71; shift; done
shift
exec "$@"`;

/**
 * The middle stage, as root of a user namespace and a network of its own, and nobody elsewhere. Ports below 1024
 * become free to use, no further user namespaces can be made below the next one, and the room gets its size.
 */
const PREPARE = `[ "$1" = shared ] || echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start || exit 72
echo 1 > /proc/sys/user/max_user_namespaces || exit 73
mount -n -t tmpfs -o "$2" tmpfs "$3" || exit 74
printf %s "$4" > "$3/hosts" || exit 75
shift 4
unset PATH
exec "$@"`;

/**
 * The whole command that starts a sandbox: limits, then another user, then bubblewrap twice. The outer one makes
 * the network and the rights to set it up; the inner one has none of these rights and walls everything else off.
 */
export function sandboxCommand(parts: CommandParts): string[] {
  const { uid, cgroupEntrances, shareNetwork, diskBytes, directories, hosts, bubblewrap } = parts;
  const limits = [String(MAX_OPEN_FILES), String(Math.ceil(diskBytes / ULIMIT_BLOCK))];
  const room = `size=${diskBytes},nr_inodes=${Math.ceil(diskBytes / BYTES_PER_FILE) + 64},mode=755,nosuid,nodev`;
  return [
    ["/bin/sh", "-c", ENTER, "sh", ...limits, ...cgroupEntrances, "--"],
    withoutRights(uid),
    [bubblewrap],
    ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL", "--die-with-parent"],
    shareNetwork ? [] : ["--unshare-net"],
    ["--dev-bind", "/", "/"],
    // The first process inside is bubblewrap. Who could write to its file must not find it there.
    uid === undefined ? ["--ro-bind", bubblewrap, bubblewrap] : [],
    ["--"],
    ["/bin/sh", "-c", PREPARE, "sh", shareNetwork ? "shared" : "own", room, directories.room, hosts],
    [bubblewrap],
    innerOptions(parts),
    ["--"],
    parts.command,
  ].flat();
}

const DEVICES = ["null", "zero", "full", "random", "urandom"].map((name) => `/dev/${name}`);

function innerOptions({ directories, view, hasFilter }: CommandParts): string[] {
  return [
    ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    ["--uid", String(INNER_ID), "--gid", String(INNER_ID), "--hostname", INNER_NAME],
    ["--cap-drop", "ALL", "--new-session", "--die-with-parent"],
    ["--ro-bind", directories.etc, "/etc", "--ro-bind", directories.link, Place.link],
    view.flatMap(({ from, at }) => ["--ro-bind", from, at]),
    ["--proc", "/proc", "--tmpfs", "/dev"],
    DEVICES.flatMap((device) => ["--dev-bind", device, device]),
    ["--symlink", "/proc/self/fd", "/dev/fd", "--remount-ro", "/dev"],
    ["--bind", directories.room, Place.room, "--dir", Place.work, "--dir", Place.temporary],
    ["--symlink", Place.temporary.slice(1), "/tmp", "--remount-ro", "/", "--chdir", Place.work],
    hasFilter ? ["--seccomp", String(Descriptor.filter)] : [],
    ["--info-fd", String(Descriptor.information)],
  ].flat();
}
