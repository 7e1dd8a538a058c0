import type { LogLevel, LogStream } from "@nex/protocol";
import * as z from "zod/mini";
import { defineMethod, type Method } from "./method.ts";

/** What a sandbox may ask of its node. */

export interface RunnerToken {
  readonly token: string;
}

/** A single-use token for one runner's link. */
export const runnerToken: Method<null, RunnerToken> = defineMethod(
  "runner_token",
  2,
  z.null(),
  z.object({ token: z.string() }),
);

/** A single-use token for a runner's second link, on which it waits for host services. */
export const servicesToken: Method<null, RunnerToken> = defineMethod(
  "services_token",
  6,
  z.null(),
  z.object({ token: z.string() }),
);

export interface ArtifactReply {
  readonly size: number;
  readonly sha256: string;
}

/** Streams the artifact of the deploy under way to the caller; the reply follows its last byte. */
export const artifact: Method<null, ArtifactReply> = defineMethod(
  "artifact",
  3,
  z.null(),
  z.object({ size: z.number(), sha256: z.string() }),
);

export interface TunnelOrder {
  /** `host:port`, as the deploy named it. */
  readonly destination: string;
}

/**
 * Joins the call's stream to a connection that the node opens. Each side's end of stream is a half-close; the reply
 * follows when both have ended. An error, or a call withdrawn, is a reset.
 */
export const tunnel: Method<TunnelOrder, null> = defineMethod(
  "tunnel",
  7,
  z.object({ destination: z.string().check(z.maxLength(300)) }),
  z.null(),
);

/** Tunnels that one sandbox may have open at once. Each may hold twice the credit of a stream in the node's memory. */
export const MAX_TUNNELS = 128;

/** Notification: a batch of log records. */
export const LOGS_CODE = 4;

/** Notification: something happened to the workload. */
export const EVENT_CODE = 5;

export interface LinkLogRecord {
  /** UNIX time in ms. */
  readonly at: number;
  readonly level: LogLevel;
  readonly stream: LogStream;
  readonly text: string;
  readonly invocation?: string | undefined;
}

export interface LogBatch {
  readonly records: readonly LinkLogRecord[];
  /** Records lost since the last batch because the workload wrote faster than the node takes. */
  readonly dropped: number;
}

export const logBatch: z.ZodMiniType<LogBatch> = z.object({
  records: z
    .array(
      z.object({
        at: z.number(),
        level: z.enum(["debug", "info", "warn", "error"]),
        stream: z.enum(["stdout", "stderr", "console", "node"]),
        text: z.string(),
        invocation: z.optional(z.string().check(z.maxLength(64))),
      }),
    )
    .check(z.maxLength(1024)),
  dropped: z.number(),
});

export type WorkloadEvent =
  | {
      readonly type: "workload_ended";
      readonly exit_code: number | null;
      readonly signal: string | null;
      readonly reason: string;
    }
  | {
      readonly type: "runner_ended";
      readonly exit_code: number | null;
      readonly signal: string | null;
      readonly reason: string;
    }
  | { readonly type: "runner_ready" };

const ended = {
  exit_code: z.nullable(z.number()),
  signal: z.nullable(z.string().check(z.maxLength(20))),
  reason: z.string().check(z.maxLength(4096)),
};

export const workloadEvent: z.ZodMiniType<WorkloadEvent> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("workload_ended"), ...ended }),
  z.object({ type: z.literal("runner_ended"), ...ended }),
  z.object({ type: z.literal("runner_ready") }),
]);
