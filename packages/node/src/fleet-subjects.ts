/** Subjects on which the nodes of a nexus talk among themselves. Nobody else needs them. */
export const fleetSubjects = {
  /** A node says that it is there; `*` for all. */
  presence: (nexus: string, node: string): string => `$NEX.FLEET.${nexus}.PRESENCE.${node}`,
  /** A record has been written. */
  records: (nexus: string): string => `$NEX.FLEET.${nexus}.RECORDS`,
} as const;
