import type { NexErrorCode } from "@nex/protocol";

/** Texts and bytes that a call may leave as its result. Numbers are part of the interface. */
export const TextField = {
  body: 0,
  headers: 1,
  subject: 2,
  name: 3,
  description: 4,
  digest: 5,
  url: 6,
  status_text: 7,
} as const;

/** Numbers that a call may leave as its result. */
export const NumberField = { revision: 0, size: 1, modified_ms: 2, status: 3, redirected: 4 } as const;

/** What a call left for the guest to take. */
export type WasmResult = { readonly [Field in keyof typeof TextField]?: string | Uint8Array } & {
  readonly [Field in keyof typeof NumberField]?: number;
};

/** What a call gives back instead of a result. `internal` stands for every code that has no number here. */
export const ErrorNumber = {
  not_found: -1,
  bad_pointer: -2,
  bad_handle: -3,
  invalid_request: -4,
  invalid_key: -5,
  invalid_subject: -6,
  subject_denied: -7,
  key_exists: -8,
  wrong_revision: -9,
  too_large: -10,
  no_responders: -11,
  timeout: -12,
  overloaded: -13,
  self_request: -14,
  service_disabled: -15,
  not_allowed: -16,
  bucket_missing: -17,
  bucket_full: -18,
  bucket_taken: -19,
  object_corrupt: -20,
  jetstream_unavailable: -21,
  unsupported_by_server: -22,
  connection_failed: -23,
  http_denied: -24,
  http_failed: -25,
  internal: -99,
} as const;

const NUMBERS: Readonly<Partial<Record<NexErrorCode, number>>> = ErrorNumber;

export function errorNumber(code: NexErrorCode): number {
  return NUMBERS[code] ?? ErrorNumber.internal;
}
