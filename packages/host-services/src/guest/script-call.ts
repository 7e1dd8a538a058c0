import type { ServiceAnswer } from "@nex/link";
import { isNexError } from "@nex/protocol";
import type { BlockingClient } from "./blocking-client.ts";
import type { ServiceMessage } from "./service-client.ts";

/** Makes values of the realm a script runs in. */
export interface ScriptRealm {
  readonly makeBytes: (length: number) => Uint8Array;
  readonly parse: (json: string) => unknown;
}

/** What the script form of a service is made of: calls that throw strings, as 0.2.7's did, and values of the script's realm. */
export class ScriptCall {
  readonly #client: BlockingClient;
  readonly #realm: ScriptRealm;

  constructor(client: BlockingClient, realm: ScriptRealm) {
    this.#client = client;
    this.#realm = realm;
  }

  /** @throws string */
  call(service: number, method: number, message: ServiceMessage): ServiceAnswer {
    try {
      return this.#client.call(service, method, message);
    } catch (error) {
      return throwText(thrownText(error));
    }
  }

  bytes(from: Uint8Array): Uint8Array {
    const made = this.#realm.makeBytes(from.length);
    made.set(from);
    return made;
  }

  value(from: unknown): unknown {
    return from === undefined ? undefined : this.#realm.parse(JSON.stringify(from));
  }
}

/** The texts of 0.2.7, but with the reason where it always said "OK". */
function thrownText(error: unknown): string {
  if (!isNexError(error)) return `Error: ${String(error)} (500)`;
  if (error.code === "timeout" || error.code === "deadline_exceeded") return "nats: timeout";
  if (error.code === "no_responders") return "nats: no responders available for request";
  return `Error: ${error.message} (${error.status})`;
}

let lastThrown: { readonly text: string; readonly frames: string } | undefined;

/** Throws a string, as 0.2.7 did: its functions compare what they catch with texts. */
export function throwText(text: string): never {
  const place: { stack?: string } = {};
  Error.captureStackTrace(place, throwText);
  const { stack = "" } = place;
  lastThrown = { text, frames: stack.slice(stack.indexOf("\n    at ")) };
  // oxlint-disable-next-line only-throw-error -- the functions of 0.2.7 catch strings
  throw text;
}

/** A string has no stack, so this one is kept aside: that of the last text thrown, if it is this one. */
export function stackOfText(thrown: unknown): string | undefined {
  return lastThrown !== undefined && lastThrown.text === thrown ? `${thrown}${lastThrown.frames}` : undefined;
}

/** @throws string what 0.2.7 threw for another number of arguments */
export function checkCount(given: readonly unknown[], wanted: number, text: string): void {
  if (given.length !== wanted) throwText(text);
}

/** Bytes of any realm. @throws string */
export function asBytes(value: unknown): Uint8Array {
  if (Object.prototype.toString.call(value) === "[object Uint8Array]") return value as Uint8Array;
  return throwText(`failed to marshal v8 value to []byte: ${String(value)}; only Uint8[] is supported`);
}
