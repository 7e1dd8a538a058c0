/** Where things are inside a sandbox. */
export const Place = {
  /** Everything that can be written, one file system of a limited size. */
  room: "/home",
  work: "/home/nex",
  temporary: "/home/tmp",
  hosts: "/home/hosts",
  /** Directory of the link's socket. */
  link: "/run/nex",
  /** Node, agent and runner, where they are shown by path. */
  programs: "/usr/lib/nex",
} as const;

/** Descriptors of a sandbox's first process, after those of its agent. */
export const Descriptor = { bubblewrap: 7, filter: 8, information: 9 } as const;

/** Its user, whoever that is outside. */
export const INNER_ID = 1000;

export const INNER_NAME = "nex";
