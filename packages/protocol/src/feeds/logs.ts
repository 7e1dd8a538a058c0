import { z } from "zod";
import { NexError } from "../errors.ts";
import { encodeMessage, parseMessage } from "../control/messages/parse.ts";
import { listOf, MAX_REPLY_ITEMS, messageObject, timestamp } from "../control/messages/shape.ts";
import { parseLogSubject } from "./subjects.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `node`: lines the node adds about a workload. */
export const LOG_STREAMS = ["stdout", "stderr", "console", "node"] as const;
export type LogStream = (typeof LOG_STREAMS)[number];

/** One line of a workload's log. */
export interface LogRecord {
  /** RFC 3339. */
  readonly time: string;
  readonly level: LogLevel;
  readonly stream: LogStream;
  /** Without the line end. */
  readonly text: string;
  readonly workload: string;
  readonly namespace: string;
  /** Instance id. */
  readonly id: string;
  readonly invocation_id?: string;
}

/** A node's reply to LOGS, oldest first. */
export interface LogsResponse {
  readonly node_id: string;
  readonly records: readonly LogRecord[];
}

export const logRecordSchema: z.ZodType<LogRecord> = messageObject({
  time: timestamp,
  level: z.enum(LOG_LEVELS),
  stream: z.enum(LOG_STREAMS),
  text: z.string(),
  workload: z.string(),
  namespace: z.string(),
  id: z.string(),
  invocation_id: z.string().exactOptional(),
});

export const logsResponseSchema: z.ZodType<LogsResponse> = messageObject({
  node_id: z.string(),
  records: listOf(logRecordSchema, MAX_REPLY_ITEMS),
});

/**
 * A record as it is published on its log subject: 0.2.7's `{text, level, id}` with the level in Go's spelling
 * (its client drops a line whose level it cannot read), then our own fields.
 */
export function encodeLogRecord(record: LogRecord): Uint8Array<ArrayBuffer> {
  const { text, level, id, ...ours } = record;
  return encodeMessage({ text, level: level.toUpperCase(), id, ...ours });
}

const wireSchema = messageObject({
  text: z.string(),
  level: z
    .string()
    .regex(/^(?:DEBUG|INFO|WARN|ERROR)(?:[+-]\d{1,3})?$/i, { error: "is not a level such as INFO or WARN+1" }),
  id: z.string().exactOptional(),
  time: timestamp.exactOptional(),
  stream: z.enum(LOG_STREAMS).exactOptional(),
  workload: z.string().exactOptional(),
  namespace: z.string().exactOptional(),
  invocation_id: z.string().exactOptional(),
});

/**
 * Reads a published record, ours or 0.2.7's. Where it came from is taken from the subject, which NATS
 * permissions guard, never from the body. A Go line has no time; it gets `receivedAt` (milliseconds since 1970).
 *
 * @returns `undefined` for the second copy that a node of ours publishes for clients of 0.2.7
 * @throws NexError `invalid_request`, `too_large`
 */
export function decodeLogRecord(subject: string, bytes: Uint8Array, receivedAt: number): LogRecord | undefined {
  const body = parseMessage(wireSchema, bytes);
  const source = parseLogSubject(subject, body.id);
  if (source === undefined) {
    throw new NexError("invalid_request", `"${subject.slice(0, 200)}" is not the subject of a log record.`);
  }
  if (source.isSwapped && body.stream !== undefined) return undefined;
  const origin =
    body.stream === undefined
      ? readGoOrigin(body.level)
      : { level: levelOf(slogNumber(body.level)), stream: body.stream };
  return {
    time: body.time ?? new Date(receivedAt).toISOString(),
    ...origin,
    text: body.text.replace(/\r?\n$/, ""),
    workload: source.workload,
    namespace: source.namespace,
    id: source.id,
    ...(body.invocation_id === undefined ? {} : { invocation_id: body.invocation_id }),
  };
}

const SLOG: Readonly<Record<string, number>> = { DEBUG: -4, INFO: 0, WARN: 4, ERROR: 8 };

/** Number of a level in Go's slog: `WARN+1` is 5. */
function slogNumber(level: string): number {
  const [, name = "", offset = "0"] = /^([A-Z]+)(.*)$/.exec(level.toUpperCase()) ?? [];
  return (SLOG[name] ?? 0) + Number(offset || 0);
}

function levelOf(number: number): LogLevel {
  if (number < 0) return "debug";
  if (number < 4) return "info";
  return number < 8 ? "warn" : "error";
}

/**
 * A 0.2.7 agent numbers its levels 0 to 6 from panic to trace, stderr being 2 (error) and stdout 4 (info), and
 * the node publishes the numbers as if they were slog's: stdout arrives as `WARN`. 0 (`INFO`) stays info, which
 * other programs mean by it.
 */
function readGoOrigin(level: string): { level: LogLevel; stream: LogStream } {
  const number = slogNumber(level);
  if (number === 4) return { level: "info", stream: "stdout" };
  if (number === 2) return { level: "error", stream: "stderr" };
  if (number === 1) return { level: "error", stream: "node" };
  if (number === 3) return { level: "warn", stream: "node" };
  return { level: number === 5 || number === 6 ? "debug" : levelOf(number), stream: "node" };
}
