import { join, resolve } from "node:path";
import { NexError } from "@nex/protocol";
import { configHome, stateHome } from "@nex/system";
import { z } from "zod";
import type { StatedSubjects } from "./namespace-subjects.ts";
import type { NatsLogLine } from "./server-log.ts";

export interface EmbeddedNatsOptions {
  /** Where streams, users and the lock live. Default: `nex/nats` in the XDG state directory. */
  readonly storeDirectory?: string | undefined;
  /** Keep everything in a temporary directory and remove it at the end. Default false. */
  readonly ephemeral?: boolean | undefined;
  /** Default: 4222 if it is free, else any free port. */
  readonly port?: number | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Path of nats-server. Default: the variable NEX_NATS_SERVER, else found on PATH and in the sbin directories. */
  readonly serverProgram?: string | undefined;
  /** Subjects of namespaces. Default: kept apart, see `subjectScope`. */
  readonly subjects?: StatedSubjects | undefined;
  /** File for the `nats` and `nex` CLIs. Default: `nats/context/nex-embedded.json` in the XDG config directory. */
  readonly contextFile?: string | undefined;
  /** Takes each line the server logs. */
  readonly log?: ((line: NatsLogLine) => void) | undefined;
  /** Called each time the server has ended without having been asked to, and is about to be started again. */
  readonly onRestart?: ((error: NexError) => void) | undefined;
  /** Called once if it does not come up again. */
  readonly onUnexpectedExit?: ((error: NexError) => void) | undefined;
}

export interface EmbeddedNatsConfig {
  /** `undefined`: a temporary one. */
  readonly storeDirectory: string | undefined;
  /** `undefined`: any. */
  readonly port: number | undefined;
  readonly host: string;
  readonly serverProgram: string | undefined;
  readonly subjects: StatedSubjects;
  readonly contextFile: string;
  readonly log: (line: NatsLogLine) => void;
  readonly onRestart: (error: NexError) => void;
  readonly onUnexpectedExit: (error: NexError) => void;
}

const callback = z.custom<(...args: never[]) => void>((value) => typeof value === "function", "must be a function");

const schema = z.strictObject({
  storeDirectory: z.string().min(1).optional(),
  ephemeral: z.boolean().default(false),
  port: z.int().min(1).max(65_535).optional(),
  host: z.string().min(1).default("127.0.0.1"),
  serverProgram: z.string().min(1).optional(),
  subjects: z.custom<StatedSubjects>().default({}),
  contextFile: z.string().min(1).optional(),
  log: callback.optional(),
  onRestart: callback.optional(),
  onUnexpectedExit: callback.optional(),
});

/** @throws NexError `invalid_request` */
export function embeddedNatsConfig(options: EmbeddedNatsOptions): EmbeddedNatsConfig {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    throw new NexError("invalid_request", `The embedded server's options are wrong: ${z.prettifyError(parsed.error)}`);
  }
  const { storeDirectory, ephemeral, port, host, serverProgram, subjects, contextFile } = parsed.data;
  if (ephemeral && storeDirectory !== undefined) {
    throw new NexError(
      "invalid_request",
      `An ephemeral server keeps nothing, so it cannot use the directory ${storeDirectory}. Leave one of the two out.`,
    );
  }
  return {
    storeDirectory: ephemeral ? undefined : resolve(storeDirectory ?? join(stateHome(), "nex", "nats")),
    port,
    host,
    serverProgram,
    subjects,
    contextFile: contextFile ?? join(configHome(), "nats", "context", "nex-embedded.json"),
    log: options.log ?? (() => {}),
    onRestart: options.onRestart ?? (() => {}),
    onUnexpectedExit: options.onUnexpectedExit ?? (() => {}),
  };
}
