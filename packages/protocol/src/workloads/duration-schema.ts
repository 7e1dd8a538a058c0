import { z } from "zod";
import { parseDuration } from "./quantities.ts";

const FORM = "must be a duration such as 10s, 500ms or 2m, or a number of milliseconds, and more than none";

/** A duration in a config file, in ms: a number of them, or text that {@link parseDuration} reads. */
export const durationSchema: z.ZodType<number, number | string> = z.union(
  [z.int().positive(), z.string().transform((text, context) => read(text, context))],
  { error: FORM },
);

function read(text: string, context: z.RefinementCtx<string>): number {
  try {
    const milliseconds = parseDuration(text);
    if (milliseconds > 0) return milliseconds;
  } catch {
    // Told below, by whoever knows the field.
  }
  context.issues.push({ code: "custom", message: FORM, input: text });
  return z.NEVER;
}
