import { NexError } from "@nex/protocol";
import * as z from "zod/mini";

/** Where a link is dialled: `unix:/path/to/socket` or `tcp:host:port`. */
export type LinkAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** @throws NexError `link_protocol` */
export function parseLinkAddress(text: string): LinkAddress {
  if (text.startsWith("unix:/")) return { kind: "unix", path: text.slice("unix:".length) };
  const tcp = /^tcp:(.+):(\d{1,5})$/.exec(text);
  const port = Number(tcp?.[2]);
  if (tcp !== null && port > 0 && port < 65_536) return { kind: "tcp", host: tcp[1]!, port };
  throw new NexError("link_protocol", `"${text}" is not a link address: expected unix:/path or tcp:host:port.`, {
    data: { address: text },
  });
}

/** The one document an agent starts from: through an inherited descriptor, or from the VM's metadata service. */
export interface AgentMetadata {
  readonly agent_id: string;
  readonly link: string;
  /** Single use. */
  readonly token: string;
  /** How much longer than on the bare machine things may take in the sandbox before they count as stuck. Default 1. */
  readonly patience?: number | undefined;
  /** In a machine that was resumed from a saved state: what it must not have in common with others resumed from it. */
  readonly resume?: AgentResume | undefined;
}

export interface AgentResume {
  /** What time it is. */
  readonly unix_ms: number;
  /** Fresh random bytes in hexadecimal digits, 32 bytes or more. */
  readonly entropy: string;
}

export const agentMetadata: z.ZodMiniType<AgentMetadata> = z.object({
  agent_id: z.string(),
  link: z.string(),
  token: z.string(),
  patience: z.optional(z.number().check(z.minimum(1), z.maximum(100))),
  resume: z.optional(
    z.object({
      unix_ms: z.int().check(z.nonnegative()),
      entropy: z.string().check(z.regex(/^(?:[0-9a-f]{2}){32,256}$/)),
    }),
  ),
});
