import { isNexError, type NexErrorCode } from "@nex/protocol";
import { HeaderMap, type HeadersInput } from "../headers.ts";
import { encodePayload, NoPayload } from "../reply.ts";
import { serviceError } from "./service-error.ts";

/**
 * What functions pass to host services, which are often plain JavaScript: `event.captures[0]` of a trigger without
 * wildcards must not become a key of that name.
 */
export function keyOf(given: unknown): string {
  return textOf(given, "A key", "invalid_key");
}

export function subjectOf(given: unknown): string {
  return textOf(given, "A subject", "invalid_subject");
}

export function objectNameOf(given: unknown): string {
  return textOf(given, "An object's name", "invalid_key");
}

/** @returns empty text for what was not given */
export function optionalTextOf(given: unknown, what: string): string {
  return given === undefined ? "" : textOf(given, what, "invalid_request");
}

/** @returns a whole number from `min` on */
export function revisionOf(given: unknown): number {
  if (Number.isSafeInteger(given) && (given as number) >= 1) return given as number;
  throw serviceError("invalid_request", `A revision is a whole number from 1 on; this is ${shown(given)}.`);
}

/** Milliseconds, or `undefined` where none were given. */
export function timeToLiveOf(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given === "number" && Number.isFinite(given) && given >= 1000) return given;
  throw serviceError(
    "invalid_request",
    `A time to live is 1000 ms or more, not ${shown(given)}: NATS counts it in seconds.`,
  );
}

/** @throws NexError `invalid_request`: of a reply's headers it would be the function that failed */
export function headersOf(input: HeadersInput): HeaderMap {
  try {
    return HeaderMap.from(input);
  } catch (error) {
    throw isNexError(error) ? serviceError("invalid_request", error.message, { data: error.data }) : error;
  }
}

/** A value to be kept or sent, as bytes. @throws NexError `invalid_request` */
export function payloadOf(value: unknown, what: string): Uint8Array {
  try {
    return encodePayload(value);
  } catch (error) {
    if (!(error instanceof NoPayload)) throw error;
    throw serviceError("invalid_request", `${what} has no bytes: ${error.message}.`, { cause: error });
  }
}

/** What a key is to hold, as bytes. @throws NexError `invalid_request` */
export function valueOf(key: string, value: unknown): Uint8Array {
  if (value !== undefined) return payloadOf(value, `The value of the key "${key}"`);
  throw serviceError("invalid_request", `The key "${key}" cannot be given the value undefined; delete it instead.`);
}

function textOf(given: unknown, what: string, code: NexErrorCode): string {
  if (typeof given === "string") return given;
  throw serviceError(code, `${what} is a string; this is ${shown(given)}.`);
}

function shown(given: unknown): string {
  if (typeof given === "number") return String(given);
  return given === null || given === undefined ? String(given) : `of type ${typeof given}`;
}
