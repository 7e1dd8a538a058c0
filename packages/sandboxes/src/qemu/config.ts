import { z } from "zod";

/** What an operator may say about QEMU; `qemu` in the node's config. */
export interface QemuOptions {
  /** Boot one machine, save its state, and start all others from it. Default true. */
  readonly saved_state?: boolean;
}

/** {@link QemuOptions}, complete. */
export interface QemuConfig {
  readonly saved_state: boolean;
}

export const qemuSchema: z.ZodType<QemuConfig> = z
  .strictObject({ saved_state: z.boolean().default(true) })
  .prefault({});
