import type { z } from "zod";

/**
 * The first of a schema's findings as a sentence that names the field and what it must be. Never shows the
 * value: it may be a secret.
 */
export function describeFaults(issues: readonly z.core.$ZodIssue[], value: unknown): { field: string; text: string } {
  const [first] = issues;
  // A path can hold keys of the sender's choice.
  const field = (first?.path ?? []).map(String).join(".").slice(0, 120);
  const subject = field === "" ? "The message" : `The field "${field}"`;
  const others = issues.length - 1;
  const more = others > 0 ? ` (and ${others} more ${others === 1 ? "fault" : "faults"})` : "";
  return { field, text: `${subject} ${predicate(first, value)}${more}.` };
}

function predicate(issue: z.core.$ZodIssue | undefined, value: unknown): string {
  if (issue === undefined) return "is not valid";
  if (issue.path.reduce(lookUp, value) === undefined) return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPE_NAMES[issue.expected] ?? `a ${issue.expected}`}`;
    case "too_small":
      return `must ${amount(issue.inclusive === false ? "more than" : "at least", issue.minimum, issue.origin)}`;
    case "too_big":
      return `must ${amount(issue.inclusive === false ? "less than" : "at most", issue.maximum, issue.origin)}`;
    case "invalid_value":
      return `must be ${issue.values.map((allowed) => JSON.stringify(allowed)).join(" or ")}`;
    case "invalid_format":
    case "custom":
      return issue.message;
    default:
      return "is not valid";
  }
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
