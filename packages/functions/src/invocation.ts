import { NexError, isNexError } from "@nex/protocol";
import type { FunctionContext, FunctionLog, WorkloadIdentity } from "./context.ts";
import type { FunctionEvent, MessageHeaders } from "./event.ts";
import { Reply, type ReplyOptions, type ReplyPayload } from "./reply.ts";
import type { FunctionServices } from "./services/function-services.ts";
import type { Http } from "./services/http.ts";
import type { KeyValue } from "./services/key-value.ts";
import type { Messaging } from "./services/messaging.ts";
import type { ObjectStore } from "./services/object-store.ts";
import { isServiceError } from "./services/service-error.ts";
import { readJson, readText } from "./stored-bytes.ts";

/** A {@link FunctionEvent} over a message's parts. Reads the payload only when asked to. */
export class InvocationEvent implements FunctionEvent {
  readonly subject: string;
  readonly captures: readonly string[];
  readonly headers: MessageHeaders;
  readonly #payload: Uint8Array;

  constructor(subject: string, captures: readonly string[], headers: MessageHeaders, payload: Uint8Array) {
    this.subject = subject;
    this.captures = captures;
    this.headers = headers;
    this.#payload = payload;
  }

  bytes(): Uint8Array {
    return this.#payload;
  }

  text(): string {
    return readText(this.#payload);
  }

  json<T = unknown>(): T {
    return readJson<T>(this.#payload, `The message on "${this.subject}"`);
  }
}

/** What an {@link InvocationContext} is made of. `signal` may be a getter: it is read only when the handler asks. */
export interface InvocationParts {
  readonly invocationId: string;
  readonly workload: WorkloadIdentity;
  readonly env: Readonly<Record<string, string>>;
  readonly log: FunctionLog;
  readonly signal: AbortSignal;
  readonly services: FunctionServices;
}

/** A {@link FunctionContext} that remembers the last reply made. */
export class InvocationContext implements FunctionContext {
  readonly #parts: InvocationParts;
  #lastReply: Reply | undefined;

  constructor(parts: InvocationParts) {
    this.#parts = parts;
  }

  get invocationId(): string {
    return this.#parts.invocationId;
  }

  get workload(): WorkloadIdentity {
    return this.#parts.workload;
  }

  get env(): Readonly<Record<string, string>> {
    return this.#parts.env;
  }

  get log(): FunctionLog {
    return this.#parts.log;
  }

  get signal(): AbortSignal {
    return this.#parts.signal;
  }

  get kv(): KeyValue {
    return this.#parts.services.kv;
  }

  get messaging(): Messaging {
    return this.#parts.services.messaging;
  }

  get objectStore(): ObjectStore {
    return this.#parts.services.objectStore;
  }

  get http(): Http {
    return this.#parts.services.http;
  }

  get lastReply(): Reply | undefined {
    return this.#lastReply;
  }

  /** Bound, because handlers take contexts apart: `(event, { reply }) => …`. */
  readonly reply = (payload?: ReplyPayload, options?: ReplyOptions): Reply => {
    this.#lastReply = new Reply(payload, options);
    return this.#lastReply;
  };
}

/**
 * What a handler threw, as the error its caller is told: an error of ours about the invocation as it is, anything else
 * (what a host service answered, too) as `function_failed` with the thrown value as its cause.
 */
export function handlerFailure(thrown: unknown): NexError {
  try {
    if (isNexError(thrown)) return isServiceError(thrown) ? uncaught(thrown) : thrown;
    return new NexError("function_failed", `The function threw ${describe(thrown)}.`, { cause: thrown });
  } catch {
    // An object that refuses to be read; its caller is answered all the same.
    return new NexError("function_failed", "The function threw something that has no text.");
  }
}

function uncaught(error: NexError): NexError {
  return new NexError(
    "function_failed",
    `The function did not catch an error of a host service (${error.code}): ${error.message}`,
    {
      cause: error,
      data: { service_error: error.code },
    },
  );
}

/** By shape, because errors from another realm (`node:vm`) are not `instanceof Error`. */
function describe(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) {
    const { name, message } = thrown as { name?: unknown; message: unknown };
    const kind = typeof name === "string" && name !== "" ? name : "Error";
    return message === "" ? kind : `${kind}: ${String(message).replace(/\.$/, "")}`;
  }
  if (typeof thrown === "string") return `"${thrown}"`;
  if (typeof thrown === "object" && thrown !== null) return "an object that is not an error";
  return String(thrown);
}
