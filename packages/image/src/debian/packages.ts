/** Which files of a package go into the image, by their path with `/bin`, `/sbin`, `/lib*` moved below `usr`. */
export interface PackageRule {
  readonly name: string;
  readonly keep: RegExp;
}

/** Shared libraries, but not what glibc loads for character sets, and not its vector mathematics. */
const LIBRARIES = /^usr\/(?:lib\/[^/]+|lib64)\/(?!libmvec)[^/]+\.so[^/]*$/;

/**
 * All that the root file system takes from Debian. Packages are only unpacked: nothing of theirs is run, and there is
 * no package manager inside. What they depend on and is not named here stays out; the build checks that every program
 * finds its libraries.
 */
export const ROOTFS_PACKAGES: readonly PackageRule[] = [
  { name: "base-files", keep: /^(?:etc\/debian_version|etc\/os-release|usr\/lib\/os-release)$/ },
  { name: "netbase", keep: /^etc\/(?:protocols|services)$/ },
  // Init, supervision, and the shell they are written for. Each service would read the script that makes control groups.
  { name: "openrc", keep: /^usr\/(?:sbin\/|bin\/rc-status|lib\/rc\/(?!sh\/rc-cgroup))/ },
  { name: "busybox-static", keep: /^usr\/bin\/busybox$/ },
  { name: "libpam-modules", keep: /\/security\/pam_(?:deny|permit)\.so$/ },
  // The agent ties the life of its children to its own with it.
  { name: "util-linux", keep: /^usr\/bin\/setpriv$/ },
  // The one program that can reseed the kernel's random generator; see nex-machine.pl.
  { name: "perl-base", keep: /^usr\/bin\/perl$/ },
  // For services: whom to trust, and what time it is elsewhere.
  { name: "ca-certificates", keep: /^usr\/share\/ca-certificates\/.+\.crt$/ },
  { name: "tzdata", keep: /^usr\/share\/zoneinfo\/(?!posix\/|right\/)/ },
  // Libraries of Node and of the above.
  { name: "libatomic1", keep: LIBRARIES },
  { name: "libaudit1", keep: LIBRARIES },
  { name: "libc6", keep: LIBRARIES },
  { name: "libcap-ng0", keep: LIBRARIES },
  { name: "libcap2", keep: LIBRARIES },
  { name: "libcrypt1", keep: LIBRARIES },
  { name: "libeinfo1", keep: LIBRARIES },
  { name: "libgcc-s1", keep: LIBRARIES },
  { name: "libpam0g", keep: LIBRARIES },
  { name: "libpcre2-8-0", keep: LIBRARIES },
  { name: "librc1", keep: LIBRARIES },
  { name: "libselinux1", keep: LIBRARIES },
  { name: "libstdc++6", keep: LIBRARIES },
];

/** Packages that always mean the newest kernel for virtual machines; the first that the machine's sources have is taken. */
export const KERNEL_PACKAGES: readonly string[] = ["linux-image-cloud-amd64", "linux-image-virtual"];

/** The real packages of a kernel: Debian has all in one, Ubuntu has modules of their own. */
export const KERNEL_PARTS: RegExp = /^linux-(?:image(?:-unsigned)?|modules)-\d/;

/** `/bin`, `/sbin` and `/lib*` are links into `usr` in the image, wherever a package has its files. */
export function mergedPath(path: string): string {
  return path.replace(/^(?=(?:bin|sbin|lib|lib64)(?:\/|$))/, "usr/");
}
