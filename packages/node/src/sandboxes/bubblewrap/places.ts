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

/** Its user, whoever that is outside. */
export const INNER_ID = 1000;

export const INNER_NAME = "nex";
