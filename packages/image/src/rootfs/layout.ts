/** Directories that no file makes. Of these only `home/nex`, `run` and `tmp` are written to: file systems in memory lie over them. */
export const DIRECTORIES: readonly string[] = [
  "dev",
  "etc/runlevels/shutdown",
  "etc/runlevels/sysinit",
  "proc",
  "root",
  "sys",
  "home/nex",
  "run",
  "tmp",
  "var",
];

/** Symbolic links and where they lead, besides those to BusyBox. */
export const LINKS: Readonly<Record<string, string>> = {
  "usr/sbin/init": "openrc-init",
  "etc/runlevels/boot/net.eth0": "/etc/init.d/net.eth0",
  "etc/runlevels/default/agent": "/etc/init.d/agent",
  "etc/runlevels/default/nex-machine": "/etc/init.d/nex-machine",
  // The agent adds the names of its tunnels.
  "etc/hosts": "/run/nex/hosts",
  "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
  "etc/mtab": "/proc/self/mounts",
  "var/run": "/run",
  "var/tmp": "/tmp",
};

/** Top-level names that lie in `usr`, as in every Debian of today. */
export const MERGED: readonly string[] = ["bin", "lib", "lib64", "sbin"];

/** Where permissions are not the usual ones: 755 for directories and programs, 644 for files. */
export const MODES: Readonly<Record<string, number>> = {
  "etc/shadow": 0o600,
  root: 0o700,
  tmp: 0o1777,
};

/** What of our own files is a program. */
export const PROGRAMS: RegExp = /^(?:etc\/init\.d\/|usr\/lib\/rc\/sh\/|usr\/local\/bin\/)/;
