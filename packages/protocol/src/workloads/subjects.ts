import { NexError } from "../errors.ts";

/** Subjects no workload may be triggered by; a node's config can add to them, never take away. */
export const DENIED_SUBJECTS: readonly string[] = [
  "$SYS.>",
  "$JS.>",
  "$NEX.>",
  "$KV.>",
  "$O.>",
  "$SRV.>",
  "$MQTT.>",
  "$G.>",
  "_INBOX.>",
  "_R_.>",
];

/** nats-server's own limit on a subject's length leaves room; longer ones are always a mistake. */
const MAX_SUBJECT_LENGTH = 1024;

const FORBIDDEN = /[\s\0\x7f]/;

/** True for a subject a message can be published to: non-empty tokens, no wildcards. */
export function isLiteralSubject(subject: string): boolean {
  if (!isSubjectPattern(subject)) return false;
  return !subject.split(".").some((token) => token === "*" || token === ">");
}

/** True for a subject one can subscribe to: `*` stands for one token, `>` for the rest and only at the end. */
export function isSubjectPattern(subject: string): boolean {
  if (subject.length === 0 || subject.length > MAX_SUBJECT_LENGTH) return false;
  // Half a surrogate pair would arrive as another character than the one that was checked.
  if (FORBIDDEN.test(subject) || !subject.isWellFormed()) return false;
  const tokens = subject.split(".");
  return tokens.every((token, index) => {
    if (token.length === 0) return false;
    if (token === ">") return index === tokens.length - 1;
    return true;
  });
}

/**
 * True if `pattern` takes in `subject`. As a rule of Nex a leading wildcard never takes in subjects that
 * begin with `$` or `_`: those belong to the NATS server and its clients.
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  const want = pattern.split(".");
  const have = subject.split(".");
  if ((want[0] === "*" || want[0] === ">") && isReserved(subject)) return false;
  for (const [index, token] of want.entries()) {
    if (token === ">") return have.length > index;
    if (index >= have.length) return false;
    if (token !== "*" && token !== have[index]) return false;
  }
  return want.length === have.length;
}

/** True for subjects that begin with `$` or `_`. */
export function isReserved(subject: string): boolean {
  const first = subject.charCodeAt(0);
  return first === 0x24 || first === 0x5f;
}

/** True if some subject is taken in by both patterns, wildcards counted on both sides as NATS does. */
export function subjectsOverlap(left: string, right: string): boolean {
  const a = left.split(".");
  const b = right.split(".");
  for (let index = 0; ; index++) {
    const x = a[index];
    const y = b[index];
    if (x === undefined || y === undefined) return x === y;
    if (x === ">" || y === ">") return true;
    if (x !== y && x !== "*" && y !== "*") return false;
  }
}

/** True if `whole` takes in every subject that `part` does, wildcards counted as NATS does. */
export function subjectCovers(whole: string, part: string): boolean {
  const wide = whole.split(".");
  const narrow = part.split(".");
  for (const [index, token] of wide.entries()) {
    const other = narrow[index];
    if (token === ">") return other !== undefined;
    if (other === undefined || other === ">") return false;
    if (token !== "*" && token !== other) return false;
  }
  return wide.length === narrow.length;
}

/** What the wildcards of `pattern` stood for: one entry for each `*`, and the whole rest for `>`. */
export function captures(pattern: string, subject: string): string[] {
  const have = subject.split(".");
  const found: string[] = [];
  for (const [index, token] of pattern.split(".").entries()) {
    if (token === ">") found.push(have.slice(index).join("."));
    else if (token === "*") found.push(have[index] ?? "");
  }
  return found;
}

export interface TriggerRules {
  /** Denied besides {@link DENIED_SUBJECTS}. */
  readonly denied?: readonly string[];
  /** Admit `>` alone. Default false. */
  readonly allowEverything?: boolean;
}

/**
 * Checks one trigger subject.
 *
 * A leading wildcard formally overlaps `$SYS.>` and the like; it is admitted all the same because
 * {@link subjectMatches} never lets it take those in.
 *
 * @throws NexError `invalid_subject`, `subject_denied`
 */
export function checkTrigger(subject: string, rules: TriggerRules = {}): string {
  if (!isSubjectPattern(subject)) {
    throw new NexError(
      "invalid_subject",
      `"${subject.slice(0, 100)}" is not a subject NATS can subscribe to: use non-empty tokens separated by dots, without spaces, "*" for one token and ">" only as the last.`,
      { data: { subject: subject.slice(0, 100) } },
    );
  }
  if (subject === ">" && rules.allowEverything !== true) {
    throw new NexError(
      "invalid_subject",
      'The trigger ">" takes in every message of the account. If that is meant, allow it explicitly (--allow-all-subjects).',
      { data: { subject } },
    );
  }
  const leadingWildcard = subject.startsWith("*") || subject.startsWith(">");
  // Connections have inboxes under other names too: `_INBOX_orders.>`.
  const inbox = subject.startsWith("_INBOX") ? "_INBOX*.>" : undefined;
  const denied =
    inbox ??
    [...DENIED_SUBJECTS, ...(rules.denied ?? [])].find(
      (pattern) => subjectsOverlap(pattern, subject) && !(leadingWildcard && isReserved(pattern)),
    );
  if (denied !== undefined) {
    throw new NexError(
      "subject_denied",
      `The trigger subject "${subject}" overlaps "${denied}", which this node denies to workloads.`,
      {
        data: { subject, denied },
      },
    );
  }
  return subject;
}
