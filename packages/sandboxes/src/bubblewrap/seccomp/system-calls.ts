/** Numbers of a system call: on x86-64, on arm64. `undefined`: that machine does not have it. */
type Numbers = readonly [x64: number, arm64: number | undefined];

/** What Node, the agent and an ordinary service never need. */
export const DENIED: Readonly<Record<string, Numbers>> = {
  // Mounts and roots.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  statmount: [457, 457],
  listmount: [458, 458],
  // Other processes and their descriptors.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  // Namespaces. `clone` is checked by its flags.
  setns: [308, 268],
  unshare: [272, 97],
  // The kernel's own programs, keys and counters: large, and often where holes were.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  userfaultfd: [323, 282],
  memfd_secret: [447, 447],
  // Modules, other kernels, the machine as a whole.
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  get_kernel_syms: [177, undefined],
  query_module: [178, undefined],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syslog: [103, 116],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  vhangup: [153, 58],
  // Clocks.
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  // Hardware, and odd corners of processor and memory.
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  mbind: [237, 235],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  // Files by handle, past the view that mounts give; watches over whole mounts.
  open_by_handle_at: [304, 265],
  name_to_handle_at: [303, 264],
  lookup_dcookie: [212, 18],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  // Long obsolete.
  nfsservctl: [180, 42],
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
};

/** Answered as if the kernel did not have them: programs then take the older way, which the filter can look into. */
export const UNKNOWN: Readonly<Record<string, Numbers>> = {
  // Its flags lie in memory, where a filter cannot look.
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
};

type CheckedCall = "clone" | "socket" | "socketpair" | "personality" | "ioctl";

/** Allowed or not by their arguments. */
export const CHECKED: Readonly<Record<CheckedCall, readonly [x64: number, arm64: number]>> = {
  clone: [56, 220],
  socket: [41, 198],
  socketpair: [53, 199],
  personality: [135, 92],
  ioctl: [16, 29],
};

/** Later ones did not exist when this list was made (Linux 6.10): nobody has thought about them here. */
export const LAST_KNOWN = 462;
