import { isReserved, subjectMatches, subjectsOverlap } from "@nex/protocol";

/** The place of a subject's trigger in a list, -1 for none. */
type Finder = (subject: string) => number;

/**
 * The triggers of one revision, in the order of its deploy.
 *
 * A message that several of them take in counts for the first. Which subscription brings it is chance: they are in one
 * queue group, and the server delivers it to one member. A leading wildcard takes in no subjects of the server's own.
 */
export class TriggerList {
  readonly patterns: readonly string[];
  /** By the pattern of the subscription. Most patterns overlap with no other, and need not look at the subject. */
  readonly #finders: Map<string, Finder> = new Map();

  constructor(patterns: readonly string[]) {
    this.patterns = patterns;
  }

  /** Of a message that came by the subscription to `pattern`, which may be another revision's. */
  indexOf(pattern: string, subject: string): number {
    let find = this.#finders.get(pattern);
    if (find === undefined) this.#finders.set(pattern, (find = this.#finder(pattern)));
    return find(subject);
  }

  #finder(pattern: string): Finder {
    const index = this.patterns.indexOf(pattern);
    if (index === -1 || this.patterns.some((other, at) => at !== index && subjectsOverlap(other, pattern)))
      return (subject) => this.patterns.findIndex((each) => subjectMatches(each, subject));
    const leadingWildcard = pattern.startsWith("*") || pattern.startsWith(">");
    return leadingWildcard ? (subject) => (isReserved(subject) ? -1 : index) : () => index;
  }
}
