import { z } from "zod";

/**
 * An object as Go's `encoding/json` reads one: key names match whatever their case, `null` leaves a value
 * as if it were absent, unknown keys are dropped. Of two keys that mean the same, the later one counts.
 */
export function messageObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodPreprocess<z.ZodObject<Shape>> {
  const names = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]));
  return z.preprocess((value) => foldKeys(value, names), z.object(shape));
}

function foldKeys(value: unknown, names: ReadonlyMap<string, string>): unknown {
  // A whole message that is `null` has every field absent, as in Go.
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return value;
  // Only names of the shape are ever assigned, so `__proto__` and its like cannot do anything.
  const folded: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = names.get(key.toLowerCase());
    if (name !== undefined && item !== null) folded[name] = item;
  }
  return folded;
}

/**
 * A list whose length is checked before its items: a megabyte of wrong items must not become a megabyte of
 * findings.
 */
export function listOf<T>(item: z.ZodType<T>, maxItems: number): z.ZodType<readonly T[]> {
  return z.preprocess((value, context) => {
    if (Array.isArray(value) && value.length > maxItems) {
      context.issues.push({ code: "too_big", origin: "array", maximum: maxItems, input: value, inclusive: true });
    }
    return value;
  }, z.array(item));
}

/** Names to texts, at most `maxEntries` of them; a key `__proto__` is dropped. */
export function stringMap(maxEntries: number): z.ZodType<Readonly<Record<string, string>>> {
  return z.preprocess(
    (value, context) => {
      if (typeof value === "object" && value !== null && Object.keys(value).length > maxEntries) {
        context.issues.push({ code: "too_big", origin: "array", maximum: maxEntries, input: value, inclusive: true });
      }
      return value;
    },
    z.record(z.string(), z.string()),
  );
}

/** A time in a message. Go writes up to 9 fractional digits and an offset. */
export const timestamp: z.ZodType<string> = z.iso.datetime({ offset: true, error: "is not an RFC 3339 time" });

/** A count or an amount: whole and not negative. */
export const count: z.ZodType<number> = z.int().nonnegative();

export const positive: z.ZodType<number> = z.int().positive();

export const sha256: z.ZodType<string> = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: "is not a SHA-256 in lower-case hex (64 characters)" });

/** Bounds of lists in requests, far above any real use. Replies come from nodes and may be longer. */
export const MAX_ITEMS = 256;
export const MAX_REPLY_ITEMS = 10_000;
