import { format } from "node:util";
import { NexError, captures, isLiteralSubject, isSubjectPattern, subjectMatches } from "@nex/protocol";
import type { FunctionLog, WorkloadIdentity } from "./context.ts";
import type { MessageHeaders } from "./event.ts";
import type { Handler } from "./handler.ts";
import { HeaderMap, type HeadersInput } from "./headers.ts";
import { InvocationContext, InvocationEvent, handlerFailure } from "./invocation.ts";
import { encodeReply, type EncodedReply } from "./reply.ts";
import { payloadOf } from "./services/arguments.ts";
import type { FunctionServices } from "./services/function-services.ts";
import { memoryServices } from "./services/memory-services.ts";

/** As on a node, where a deploy may set another one. */
const DEFAULT_DEADLINE_MS = 5000;

export interface TestFunctionOptions {
  /** The function's environment. Default: empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: name `function-under-test`, namespace `default`, revision 1. */
  readonly workload?: Partial<WorkloadIdentity>;
  /** Milliseconds an invocation may take. Default 5000. */
  readonly deadlineMs?: number;
  /** Host services of your own, in place of those in memory. */
  readonly services?: Partial<FunctionServices>;
}

export interface TestInvokeOptions {
  /** The trigger the message comes in on, such as `orders.*.new`. Default: the subject itself, without captures. */
  readonly pattern?: string;
  readonly headers?: HeadersInput;
  /** Withdraws the call, as a caller that hangs up would. */
  readonly signal?: AbortSignal;
}

/** One line the function wrote with `ctx.log`. */
export interface TestLogRecord {
  readonly level: keyof FunctionLog;
  readonly text: string;
  readonly invocationId: string;
}

export interface TestReply {
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
  text(): string;
  json<T = unknown>(): T;
  /** What this invocation wrote with `ctx.log`. */
  readonly logs: readonly TestLogRecord[];
}

export interface TestFunction {
  /** What all invocations wrote with `ctx.log`, those that failed among them. */
  readonly logs: readonly TestLogRecord[];
  /** What the function works with: look at it, or fill it before an invocation. */
  readonly services: FunctionServices;
  /**
   * Sends the function one message and waits for its reply.
   *
   * @param payload bytes and strings as they are, nothing for `undefined`, anything else as JSON
   * @throws NexError `function_failed` if it throws (the thrown value is the `cause`) or its reply has no JSON form,
   *   `deadline_exceeded`, `cancelled`, `invalid_subject`
   */
  invoke(subject: string, payload?: unknown, options?: TestInvokeOptions): Promise<TestReply>;
}

/**
 * Runs a function as a node would, in the test's own process: the same events, replies, errors and deadline. What it
 * cannot show are the sandbox, and the end of a function that blocks: a loop without an `await` blocks the test too.
 *
 * @throws NexError `invalid_artifact` if `handler` is not a function
 */
export function testFunction(handler: Handler, options: TestFunctionOptions = {}): TestFunction {
  if (typeof handler !== "function") {
    throw new NexError(
      "invalid_artifact",
      `A function's default export must be a function; this is ${typeof handler}.`,
    );
  }
  const workload = { name: "function-under-test", namespace: "default", revision: 1, ...options.workload };
  const env = Object.freeze({ ...options.env });
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const logs: TestLogRecord[] = [];
  const services: FunctionServices = { ...memoryServices(), ...options.services };
  let invocations = 0;

  return {
    logs,
    services,
    async invoke(subject, payload, { pattern = subject, headers = {}, signal } = {}) {
      checkSubjects(subject, pattern);
      const event = new InvocationEvent(
        subject,
        captures(pattern, subject),
        HeaderMap.from(headers),
        payloadOf(payload, "The message"),
      );
      const invocationId = `invocation-${++invocations}`;
      const log = collectLog(invocationId, logs);
      const run = (ended: AbortSignal): Promise<EncodedReply> =>
        runHandler(
          handler,
          event,
          new InvocationContext({ invocationId, workload, env, log, signal: ended, services }),
        );
      const reply = await withDeadline(run, deadlineMs, signal);
      return testReply(subject, reply, () => logs.filter((record) => record.invocationId === invocationId));
    },
  };
}

function checkSubjects(subject: string, pattern: string): void {
  if (!isLiteralSubject(subject)) {
    throw new NexError(
      "invalid_subject",
      `No message can have the subject "${subject}": use tokens without wildcards.`,
    );
  }
  if (!isSubjectPattern(pattern) || !subjectMatches(pattern, subject)) {
    throw new NexError("invalid_subject", `The trigger "${pattern}" does not take in the subject "${subject}".`);
  }
}

function collectLog(invocationId: string, into: TestLogRecord[]): FunctionLog {
  const write =
    (level: keyof FunctionLog) =>
    (...parts: unknown[]): void => {
      into.push({ level, text: format(...parts), invocationId });
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

async function runHandler(handler: Handler, event: InvocationEvent, ctx: InvocationContext): Promise<EncodedReply> {
  try {
    return encodeReply(await handler(event, ctx), ctx.lastReply);
  } catch (thrown) {
    throw handlerFailure(thrown);
  }
}

/** Settles with the run, or with the reason its signal aborted for, whichever comes first. */
async function withDeadline(
  run: (ended: AbortSignal) => Promise<EncodedReply>,
  deadlineMs: number,
  caller: AbortSignal | undefined,
): Promise<EncodedReply> {
  const controller = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const end = (reason: NexError): void => {
    controller.abort(reason);
    reject(reason);
  };
  const withdraw = (): void =>
    end(new NexError("cancelled", "The caller withdrew the call.", { cause: caller?.reason }));
  const expire = (): void =>
    end(
      new NexError("deadline_exceeded", `The function did not answer within ${deadlineMs} ms.`, {
        data: { deadline_ms: deadlineMs },
      }),
    );
  const timer = setTimeout(expire, deadlineMs);
  caller?.addEventListener("abort", withdraw, { once: true });
  try {
    if (caller?.aborted === true) withdraw();
    return await Promise.race([aborted, controller.signal.aborted ? aborted : run(controller.signal)]);
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener("abort", withdraw);
  }
}

function testReply(subject: string, reply: EncodedReply, logs: () => readonly TestLogRecord[]): TestReply {
  const headers = reply.headers ?? HeaderMap.empty;
  const content = new InvocationEvent(subject, [], headers, reply.payload);
  return {
    payload: reply.payload,
    headers,
    text: () => content.text(),
    json: <T>() => content.json<T>(),
    logs: logs(),
  };
}
