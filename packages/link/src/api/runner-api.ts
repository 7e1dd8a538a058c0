import * as z from "zod/mini";
import { defineMethod, type Method } from "./method.ts";

/** What an agent asks of its runner, over a socket pair between the two. */

export interface BootOrder {
  /** Single-use token for the runner's own link to the node. */
  readonly token: string;
}

/** Lets the runner say hello on its link to the node. */
export const boot: Method<BootOrder, null> = defineMethod("boot", 48, z.object({ token: z.string() }), z.null());

export interface LoadOrder {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly kind: "javascript" | "wasm";
  readonly size: number;
  readonly env: Readonly<Record<string, string>>;
  readonly triggers: readonly string[];
  /** For WebAssembly: what the guest's memory may grow to. Absent: the form's default. */
  readonly memory_bytes?: number | undefined;
}

export interface LoadReply {
  readonly concurrency: "many" | "one";
}

/** Loads the function whose source travels with the call. Fails with `invalid_artifact` and its place in the source. */
export const load: Method<LoadOrder, LoadReply> = defineMethod(
  "load",
  49,
  z.object({
    namespace: z.string(),
    name: z.string(),
    revision: z.number(),
    kind: z.enum(["javascript", "wasm"]),
    size: z.number(),
    env: z.record(z.string(), z.string()),
    triggers: z.array(z.string()),
    memory_bytes: z.optional(z.number()),
  }),
  z.object({ concurrency: z.enum(["many", "one"]) }),
);
