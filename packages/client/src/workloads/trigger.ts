import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import {
  isLiteralSubject,
  isNexError,
  NexError,
  readServiceError,
  SERVICE_ERROR_CODE_HEADER,
  SERVICE_ERROR_HEADER,
  subjectMatches,
  type WorkloadDetail,
} from "@nex/protocol";
import { checkTimeout } from "../client-options.ts";
import type { ClientContext } from "../client-context.ts";
import { request } from "../requests/exchange.ts";
import { findWorkload, workloadNotFound } from "./known-workloads.ts";

export interface TriggerOptions {
  /** Must match one of the workload's triggers. Default: the first of them, if it has no wildcard. */
  readonly subject?: string | undefined;
  /** Text is sent as UTF-8. Default empty. */
  readonly data?: Uint8Array | string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Default: the workload's own deadline and a second for the way. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a function answered. */
export interface TriggerReply {
  /** The subject that was used. */
  readonly subject: string;
  readonly data: Uint8Array;
  /** By name, as they were written. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** A node answers at the deadline; its answer still has to arrive. */
const MARGIN_MS = 1000;

export async function trigger(context: ClientContext, name: string, options: TriggerOptions): Promise<TriggerReply> {
  const { data = "", signal } = options;
  const known = await findWorkload(context, name, { signal });
  if (known === undefined) throw workloadNotFound(context, name);
  const { workload } = known;
  const subject = chooseSubject(workload, options.subject);
  const timeoutMs = checkTimeout("timeoutMs", options.timeoutMs ?? workload.deadline_ms + MARGIN_MS);
  const headers = writeHeaders(options.headers);
  const reply = await request(context.connection, subject, data, {
    timeoutMs,
    signals: signal === undefined ? [context.closed] : [context.closed, signal],
    ...(headers === undefined ? {} : { headers }),
  }).catch((error: unknown) => {
    if (!isNexError(error) || error.code !== "no_node") throw error;
    throw notListening(workload, subject, error);
  });
  const status = reply.headers?.get(SERVICE_ERROR_CODE_HEADER) ?? "";
  if (status !== "") throw readServiceError(status, reply.headers?.get(SERVICE_ERROR_HEADER) ?? "", reply.data);
  return { subject, data: reply.data, headers: Object.fromEntries(reply.headers ?? []) };
}

function chooseSubject({ name, triggers }: WorkloadDetail, wanted: string | undefined): string {
  const [first] = triggers;
  if (first === undefined) {
    throw new NexError(
      "trigger_unsupported",
      `"${name}" has no triggers: it is a service. Talk to the service itself.`,
      {
        data: { name },
      },
    );
  }
  const subject = wanted ?? first;
  const fits = isLiteralSubject(subject) && triggers.some((pattern) => subjectMatches(pattern, subject));
  if (fits) return subject;
  const why =
    wanted === undefined
      ? `is triggered by "${first}", which has wildcards`
      : `is not triggered by "${wanted.slice(0, 200)}"`;
  throw new NexError(
    "invalid_request",
    `"${name}" ${why}. Name a subject without wildcards (--subject) that fits one of: ${triggers.join(", ")}.`,
    { data: { field: "subject", triggers } },
  );
}

function writeHeaders(fields: TriggerOptions["headers"]): MsgHdrs | undefined {
  if (fields === undefined) return undefined;
  const headers = newHeaders();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of typeof values === "string" ? [values] : values) {
      try {
        headers.append(name, value);
      } catch (cause) {
        throw new NexError(
          "invalid_request",
          `The header ${JSON.stringify(name.slice(0, 80))} cannot be sent: a name has no spaces or colons, a value no line ends.`,
          { data: { field: "headers" }, cause },
        );
      }
    }
  }
  return headers;
}

function notListening({ name, state }: WorkloadDetail, subject: string, cause: unknown): NexError {
  return new NexError(
    "no_node",
    `Nobody listens on "${subject}": "${name}" is ${state}, or these credentials belong to another NATS account than its node's.`,
    { data: { subject, state }, cause },
  );
}
