import { NexError } from "@nex/protocol";
import * as z from "zod/mini";
import { defineMethod, type Method } from "./method.ts";

/**
 * The version of the link this release speaks. The rule: two sides with the same major number understand
 * each other and keep to the lower minor; any other pair is refused at hello.
 */
export const LINK_VERSION = "1.0";

/** `services`: a runner's second link, for host services it waits in without an event loop. */
export const LINK_ROLES = ["agent", "runner", "services"] as const;
export type LinkRole = (typeof LINK_ROLES)[number];

export interface Hello {
  readonly token: string;
  readonly role: LinkRole;
  readonly version: string;
}

export interface HelloReply {
  /** The version both sides keep to. */
  readonly version: string;
  /** Largest payload of one message on the node's NATS server, bytes. */
  readonly max_payload: number;
  /** An invocation's id is this, a dash, and the id of its call. */
  readonly invocation_prefix: string;
}

export const hello: Method<Hello, HelloReply> = defineMethod(
  "hello",
  1,
  z.object({
    token: z.string().check(z.maxLength(256)),
    role: z.enum(LINK_ROLES),
    version: z.string().check(z.maxLength(32)),
  }),
  z.object({ version: z.string(), max_payload: z.number(), invocation_prefix: z.string() }),
);

/** The version to keep to with a peer that speaks `theirs`. @throws NexError `link_version` */
export function agreeOnVersion(theirs: string, ours: string = LINK_VERSION): string {
  const left = parseVersion(theirs);
  const right = parseVersion(ours);
  if (left !== undefined && right !== undefined && left.major === right.major)
    return left.minor < right.minor ? theirs : ours;
  throw new NexError(
    "link_version",
    `The peer speaks version ${theirs} of the link and this side ${ours}; the numbers before the dot must be equal. Update the older of the two.`,
    { data: { theirs, ours } },
  );
}

function parseVersion(version: string): { readonly major: number; readonly minor: number } | undefined {
  const found = /^(\d{1,6})\.(\d{1,6})$/.exec(version);
  return found === null ? undefined : { major: Number(found[1]), minor: Number(found[2]) };
}
