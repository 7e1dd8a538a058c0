import { WORKLOAD_KINDS, type WorkloadKind } from "@nex/protocol";
import * as z from "zod/mini";
import { defineMethod, type Method } from "./method.ts";

/** What a node asks of an agent. */

export interface DeployOrder {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly kind: WorkloadKind;
  /** Lower-case hex. The agent hashes what it pulls and refuses anything else. */
  readonly sha256: string;
  readonly size: number;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  /** Trigger subjects, in the order the trigger message's pattern index counts. Empty for a service. */
  readonly triggers: readonly string[];
  /** Destinations `host:port` that are to appear in the sandbox under their own names. */
  readonly connect: readonly string[];
  /** How long a service must stay up to count as running, ms. */
  readonly ready_ms: number;
  /** What the memory of a WebAssembly function may grow to. Absent: the form's default. */
  readonly memory_bytes?: number | undefined;
}

export interface DeployReply {
  /** Functions of the script form and WebAssembly functions run one invocation at a time. */
  readonly concurrency: "many" | "one";
}

export const deploy: Method<DeployOrder, DeployReply> = defineMethod(
  "deploy",
  16,
  z.object({
    namespace: z.string(),
    name: z.string(),
    revision: z.number(),
    kind: z.enum(WORKLOAD_KINDS),
    sha256: z.string(),
    size: z.number(),
    env: z.record(z.string(), z.string()),
    argv: z.array(z.string()),
    triggers: z.array(z.string()),
    connect: z.array(z.string()),
    ready_ms: z.number(),
    memory_bytes: z.optional(z.number()),
  }),
  z.object({ concurrency: z.enum(["many", "one"]) }),
);

export interface UndeployOrder {
  /** Between SIGTERM and SIGKILL, ms. */
  readonly grace_ms: number;
}

export interface UndeployReply {
  /** True if the workload was still there after the grace. */
  readonly killed: boolean;
}

export const undeploy: Method<UndeployOrder, UndeployReply> = defineMethod(
  "undeploy",
  17,
  z.object({ grace_ms: z.number() }),
  z.object({ killed: z.boolean() }),
);

export interface ReplaceRunnerOrder {
  /** False: the runner is stuck, kill it first. True: start the new one beside it; the node closes the old one's link once it is empty. */
  readonly graceful: boolean;
}

/** Answered when the new runner has loaded the function and has its own link. */
export const replaceRunner: Method<ReplaceRunnerOrder, null> = defineMethod(
  "replace_runner",
  18,
  z.object({ graceful: z.boolean() }),
  z.null(),
);

/** On a runner's link: run the function. Bodies as in `trigger-message.ts`. */
export const TRIGGER_CODE = 32;

/** Notification on a runner's link, to the node: this many invocations were given up on and still have not settled. u32. */
export const ABANDONED_CODE = 33;
