import { z } from "zod";
import { parseSize } from "./quantities.ts";

const FORM = "must be a number of bytes, or a size such as 64MiB, and more than none";

/** A size in a config file: a number of bytes, or text that {@link parseSize} reads. */
export const sizeSchema: z.ZodType<number, number | string> = z.union(
  [z.int().positive(), z.string().transform((text, context) => read(text, context))],
  { error: FORM },
);

function read(text: string, context: z.RefinementCtx<string>): number {
  try {
    const bytes = parseSize(text);
    if (bytes > 0) return bytes;
  } catch {
    // Told below, by whoever knows the field.
  }
  context.issues.push({ code: "custom", message: FORM, input: text });
  return z.NEVER;
}
