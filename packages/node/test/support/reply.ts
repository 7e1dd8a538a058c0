import assert from "node:assert/strict";
import type { Msg } from "@nats-io/transport-node";

export interface ErrorReply {
  readonly code: string;
  readonly message: string;
  readonly invocation_id: string;
}

/** The code of an error reply, or `ok`. */
export function outcome(reply: Msg): string {
  return reply.headers?.has("Nats-Service-Error-Code") === true ? errorOf(reply).code : "ok";
}

/** The error a reply carries; fails if it has another form than promised. */
export function errorOf(reply: Msg): ErrorReply {
  assert.match(reply.headers?.get("Nats-Service-Error-Code") ?? "", /^[45]\d\d$/, `no error: ${reply.string()}`);
  assert.notEqual(reply.headers?.get("Nats-Service-Error"), "");
  const { error } = reply.json<{ error: ErrorReply }>();
  assert.equal(typeof error.code, "string");
  assert.equal(typeof error.message, "string");
  assert.equal(typeof error.invocation_id, "string");
  return error;
}
