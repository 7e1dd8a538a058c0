import { isNexError, NexError, toNexError } from "@nex/protocol";
import type * as z from "zod/mini";
import type { IncomingCall } from "../calls/incoming-call.ts";
import type { CallOptions, Link } from "../link.ts";

/** One method of a link: its number on the wire and the schemas of the two JSON bodies. */
export interface Method<Request, Reply> {
  readonly name: string;
  readonly code: number;
  readonly request: z.ZodMiniType<Request>;
  readonly reply: z.ZodMiniType<Reply>;
}

export function defineMethod<Request, Reply>(
  name: string,
  code: number,
  request: z.ZodMiniType<Request>,
  reply: z.ZodMiniType<Reply>,
): Method<Request, Reply> {
  return { name, code, request, reply };
}

/** Calls a method and checks its reply. @throws NexError of the peer's, `link_protocol` for a reply of the wrong shape */
export async function callMethod<Request, Reply>(
  link: Link,
  method: Method<Request, Reply>,
  request: Request,
  options: CallOptions = {},
): Promise<Reply> {
  const body = await link.request(method.code, encode(request), options);
  return decode(method.name, method.reply, body);
}

/** Answers a method with what `handler` returns, or with the error it throws. */
export function serveMethod<Request, Reply>(
  link: Link,
  method: Method<Request, Reply>,
  handler: (request: Request, call: IncomingCall) => Reply | Promise<Reply>,
): void {
  link.handle(method.code, (call) => {
    void answer(call, method, handler);
  });
}

async function answer<Request, Reply>(
  call: IncomingCall,
  method: Method<Request, Reply>,
  handler: (request: Request, call: IncomingCall) => Reply | Promise<Reply>,
): Promise<void> {
  try {
    const reply = await handler(decode(method.name, method.request, call.body), call);
    call.reply(encode(reply));
  } catch (error) {
    call.fail(isNexError(error) ? error : toNexError(error));
  }
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value ?? null));
}

/** Reads a JSON body by its schema. @throws NexError `link_protocol` */
export function decode<T>(name: string, schema: z.ZodMiniType<T>, body: Buffer): T {
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new NexError("link_protocol", `The body of "${name}" is not JSON.`, { cause, data: { method: name } });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? "" : ` at "${issue.path.join(".")}": ${issue.message}`;
  throw new NexError("link_protocol", `The body of "${name}" does not have the agreed form${where}.`, {
    data: { method: name },
  });
}
