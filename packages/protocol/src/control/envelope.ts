import type { z } from "zod";
import { fromErrorJson, NexError } from "../errors.ts";
import type { NexErrorCode } from "../error-catalogue.ts";
import { checkMessage, parseJson } from "./messages/parse.ts";

/** The `type` of replies: 0.2.7's, then ours. */
export const ENVELOPE_TYPES = {
  auction: "io.nats.nex.v1.auction_response",
  ping: "io.nats.nex.v1.ping_response",
  info: "io.nats.nex.v1.info_response",
  run: "io.nats.nex.v1.run_response",
  stop: "io.nats.nex.v1.stop_response",
  lameDuck: "io.nats.nex.v1.lameduck_response",
  workloads: "io.nats.nex.v1.workloads_response",
  rollback: "io.nats.nex.v1.rollback_response",
  undeploy: "io.nats.nex.v1.undeploy_response",
  logs: "io.nats.nex.v1.logs_response",
  recentEvents: "io.nats.nex.v1.recent_events_response",
} as const;
export type EnvelopeType = (typeof ENVELOPE_TYPES)[keyof typeof ENVELOPE_TYPES];

export interface SuccessEnvelope<T> {
  readonly type: EnvelopeType;
  readonly data: T;
}

export interface FailureEnvelope {
  readonly type: EnvelopeType;
  /** Always empty: what 0.2.7 sends in place of data. */
  readonly data: "";
  /** Text for people; all that 0.2.7's client looks at. */
  readonly error: string;
  /** Our additions, for programs. */
  readonly code: NexErrorCode;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A reply that worked. Send it with `encodeMessage`. */
export function successEnvelope<T>(type: EnvelopeType, data: T): SuccessEnvelope<T> {
  return { type, data };
}

/** A refusal. Send it with `encodeMessage`. */
export function failureEnvelope(type: EnvelopeType, error: NexError): FailureEnvelope {
  const { code, message, data } = error.toJSON();
  return { type, data: "", error: message, code, ...(data === undefined ? {} : { details: data }) };
}

/** Replies with many workloads or records may be larger than requests; 64 MiB is the most NATS can carry. */
const REPLY_LIMITS = { maxBytes: 64 * 1024 * 1024, maxDepth: 64 };

/**
 * The data of a reply. A refusal is thrown as the error it was made of; for a refusal by a Go node, which is
 * text alone, the code is found from 0.2.7's texts where possible and otherwise is `internal`.
 *
 * @throws NexError the refusal, or `invalid_request` if this is no envelope
 */
export function readEnvelope(bytes: Uint8Array): unknown {
  const reply = parseJson(bytes, REPLY_LIMITS);
  if (typeof reply !== "object" || reply === null || Array.isArray(reply)) {
    throw new NexError(
      "invalid_request",
      "The reply is not a Nex envelope: a JSON object with type and data is expected.",
    );
  }
  const { error, code, details, data } = reply as Record<string, unknown>;
  if (error !== undefined && error !== null) {
    const message = typeof error === "string" ? error : undefined;
    throw fromErrorJson({ message, data: details, code: code ?? legacyCode(message ?? "") });
  }
  if (data === undefined)
    throw new NexError("invalid_request", "The reply is not a Nex envelope: it has neither data nor error.");
  return data;
}

/** {@link readEnvelope}, and the data by its schema. @throws NexError likewise, and `invalid_request` for other data */
export function readReply<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  return checkMessage(schema, readEnvelope(bytes));
}

/** Parts of 0.2.7's error texts, in the order of its checks. */
const LEGACY_TEXTS: readonly (readonly [part: string, code: NexErrorCode])[] = [
  ["lame duck mode", "lame_duck"],
  ["maximum workload limit", "no_sandbox"],
  ["Unable to deserialize", "invalid_request"],
  ["Unsupported workload type for trigger", "trigger_unsupported"],
  ["Unsupported workload type", "unsupported_kind"],
  ["deny list", "subject_denied"],
  ["Failed to decrypt environment", "environment_sealed_wrong"],
  ["could not decode workload JWT", "claims_invalid"],
  ["does not match requirements", "invalid_name"],
  ["standard claims within JWT", "claims_expired"],
  ["invalid workload issuer", "issuer_not_allowed"],
  ["no available agent client", "no_sandbox"],
  ["Failed to cache workload", "artifact_missing"],
  ["Workload file size", "too_large"],
  ["Failed to deploy workload", "deploy_failed"],
  ["agent pool did not initialize", "no_sandbox"],
  ["No such workload", "workload_not_found"],
  ["cloned or captured", "claims_replayed"],
  ["does not match original start claims", "claims_mismatch"],
  ["issuer that originally started", "issuer_not_allowed"],
];

function legacyCode(text: string): NexErrorCode {
  return LEGACY_TEXTS.find(([part]) => text.includes(part))?.[1] ?? "internal";
}
