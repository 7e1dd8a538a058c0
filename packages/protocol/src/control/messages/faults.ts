import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** Of more than these nobody wants to read at once; a sender of nonsense can bring about thousands. */
const TOLD = 3;

/**
 * A schema's findings as sentences that name the fields and what they must be. Never shows the value: it may be a
 * secret.
 *
 * @param whole what the value is as a whole, at the beginning of a sentence
 */
export function describeFaults(
  issues: readonly Issue[],
  value: unknown,
  whole = "The message",
): { field: string; text: string } {
  const faults = issues.slice(0, TOLD).map(nearest);
  const sentences = faults.map((issue) => `${subject(issue, whole)} ${predicate(issue, value)}`);
  const others = issues.length - faults.length;
  const more = others > 0 ? ` (and ${others} more ${others === 1 ? "fault" : "faults"})` : "";
  return { field: fieldOf(faults[0]), text: `${sentences.join(". ")}${more}.` };
}

/** A path can hold keys of the sender's choice. */
function fieldOf(issue: Issue | undefined): string {
  return (issue?.path ?? []).map(String).join(".").slice(0, 120);
}

function subject(issue: Issue, whole: string): string {
  const field = fieldOf(issue);
  return field === "" ? whole : `The field "${field}"`;
}

/** Of a value that may have several forms and has none of them: what keeps it from the form it comes nearest to. */
function nearest(issue: Issue): Issue {
  if (issue.code !== "invalid_union" || !isUnsaid(issue)) return issue;
  const candidates = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(nearest);
  const deepest = candidates.toSorted((a, b) => b.path.length - a.path.length)[0];
  return deepest === undefined || deepest.path.length === 0
    ? issue
    : { ...deepest, path: [...issue.path, ...deepest.path] };
}

/** True where the schema has no words of its own, and the library's say nothing. */
function isUnsaid(issue: Issue): boolean {
  return issue.message === "" || /^Invalid (?:input|key in|element in)/.test(issue.message);
}

function predicate(issue: Issue, value: unknown): string {
  if (issue.path.reduce(lookUp, value) === undefined) return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeName(issue)}`;
    case "too_small":
      return `must ${amount(issue.inclusive === false ? "more than" : "at least", issue.minimum, issue.origin)}`;
    case "too_big":
      return `must ${amount(issue.inclusive === false ? "less than" : "at most", issue.maximum, issue.origin)}`;
    case "invalid_value":
      return `must be ${issue.values.map((allowed) => JSON.stringify(allowed)).join(" or ")}`;
    case "invalid_key":
      return `has a name that ${issue.issues[0]?.message ?? "is not valid"}`;
    case "unrecognized_keys":
      return `knows no "${issue.keys[0]?.slice(0, 120)}"`;
    case "invalid_union":
      return isUnsaid(issue) ? formsOf(issue) : issue.message;
    default:
      return isUnsaid(issue) ? "is not valid" : issue.message;
  }
}

function formsOf({ errors }: z.core.$ZodIssueInvalidUnion): string {
  const types = errors.flatMap(([first]) => (first?.code === "invalid_type" ? [typeName(first)] : []));
  return types.length === 0 ? "is not valid" : `must be ${[...new Set(types)].join(" or ")}`;
}

function typeName({ expected }: z.core.$ZodIssueInvalidType): string {
  return TYPE_NAMES[expected] ?? `a ${expected}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: "a whole number",
  array: "a list",
  object: "an object",
  record: "an object",
};

const UNITS: Readonly<Record<string, string>> = { string: "characters", array: "items" };

function amount(bound: string, limit: number | bigint, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? `be ${bound} ${limit}` : `have ${bound} ${limit} ${unit}`;
}

/** One step along a path of canonical names, through a value whose keys may have another case. */
function lookUp(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return value[Number(key)];
  const wanted = String(key).toLowerCase();
  return Object.entries(value).findLast(([name, item]) => name.toLowerCase() === wanted && item !== null)?.[1];
}
