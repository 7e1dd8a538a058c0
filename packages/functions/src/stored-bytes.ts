import { NexError } from "@nex/protocol";
import { serviceError } from "./services/service-error.ts";

/** Keeps a byte order mark, so that a text is the bytes and nothing less. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export function readText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** @param what named in the error: `The key "a"` @throws NexError `invalid_request` */
export function readJson<T>(bytes: Uint8Array, what: string): T {
  try {
    return JSON.parse(readText(bytes)) as T;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new NexError("invalid_request", `${what} is not JSON: ${why}.`, { cause: thrown });
  }
}

/** The same for what a host service has brought: that it is not JSON is no fault of whoever triggered the function. */
export function readServiceJson<T>(bytes: Uint8Array, what: string): T {
  try {
    return readJson<T>(bytes, what);
  } catch (error) {
    const { message, cause } = error as Error;
    throw serviceError("invalid_request", message, { cause });
  }
}
