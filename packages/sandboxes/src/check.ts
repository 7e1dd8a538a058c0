/** One thing a sandbox, or a node, needs of this machine. */
export interface Check {
  /** The same in every list it is in. */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, or what is wrong. */
  readonly detail: string;
  /** How to get it; only where it is missing. */
  readonly remedy?: string;
}

export function passed(name: string, detail: string): Check {
  return { name, ok: true, detail };
}

export function missing(name: string, detail: string, remedy: string): Check {
  return { name, ok: false, detail, remedy };
}
