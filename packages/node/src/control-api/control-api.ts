import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { z } from "zod";
import {
  auctionRequestSchema,
  type Claims,
  type ControlSubject,
  controlSubjects,
  createEvent,
  deployRequestSchema,
  encodeMessage,
  ENVELOPE_TYPES,
  type EnvelopeType,
  logsRequestSchema,
  type MessageLimits,
  NexError,
  parseControlSubject,
  parseQuery,
  parseSignedRequest,
  recentEventsRequestSchema,
  rollbackRequestSchema,
  stopRequestSchema,
  successEnvelope,
  SYSTEM_NAMESPACE,
  toNexError,
  undeployRequestSchema,
  workloadsRequestSchema,
  type InfoRequest,
  infoRequestSchema,
  isName,
} from "@nex/protocol";
import { mayReplyTo } from "../triggers/reply-subject.ts";
import type { ControlContext } from "./context.ts";
import { fitsAuction } from "./endpoints/auction.ts";
import { deploy } from "./endpoints/deploy.ts";
import { info, ping, workloadPing, workloads } from "./endpoints/describe.ts";
import { recentEvents, recentLogs } from "./endpoints/feeds.ts";
import { rollback } from "./endpoints/rollback.ts";
import { stopInstance, undeploy } from "./endpoints/stop.ts";
import { RateLimit } from "@nex/system";
import { enterLameDuck } from "./lame-duck.ts";
import { encodeRefusal, tellable } from "./refusal.ts";

/** Requests per second and at once, by what they cost the node. */
const LIMITS = {
  /**
   * A look at the request and its signature, 0.2 ms at most, whoever sends it. What follows is limited by who signed:
   * see `issuer-limits.ts`.
   */
  changes: { perSecond: 500, burst: 500 },
  questions: { perSecond: 200, burst: 400 },
  /** A look through thousands of kept records, and half a megabyte of them in the answer. */
  feeds: { perSecond: 20, burst: 40 },
} as const;
type Limit = keyof typeof LIMITS;

/** Refusals that are told as events. Anybody can cause one, and events that matter must not drown in them. */
const REPORTS_PER_SECOND = 1;
const REPORTS_BURST = 50;

/** A question is short. One of a megabyte costs more to read than its answer is worth. */
const QUESTION_LIMITS: MessageLimits = { maxBytes: 64 * 1024 };

interface Endpoint {
  readonly type: EnvelopeType;
  readonly limit: Limit;
  /** The data of the reply; `undefined` to stay silent. */
  answer(context: ControlContext, subject: ControlSubject, body: Uint8Array): unknown;
}

/** An answer to requests that carry claims. These are looked at before anything else is. */
function allowedByClaims<Request extends { readonly workload_jwt: string }>(
  schema: z.ZodType<Request>,
  act: (
    context: ControlContext,
    namespace: string,
    request: Request,
    claims: Claims,
    body: unknown,
  ) => Promise<unknown>,
): Endpoint["answer"] {
  return async (context, { namespace }, message) => {
    const signed = parseSignedRequest(schema, message);
    const claims = context.admission.decode(signed, namespace!);
    return await act(context, namespace!, signed.request, claims, signed.body);
  };
}

/** Every operation of the control API: what its reply is called, what it costs, and who answers it. */
const ENDPOINTS: Readonly<Record<ControlSubject["operation"], Endpoint>> = {
  AUCTION: {
    type: ENVELOPE_TYPES.auction,
    limit: "questions",
    answer: (context, _, body) =>
      fitsAuction(context, parseQuery(auctionRequestSchema, body, QUESTION_LIMITS)) ? ping(context) : undefined,
  },
  PING: { type: ENVELOPE_TYPES.ping, limit: "questions", answer: (context) => ping(context) },
  WPING: {
    type: ENVELOPE_TYPES.ping,
    limit: "questions",
    answer: (context, { namespace, workload }) => workloadPing(context, namespace!, workload),
  },
  INFO: {
    type: ENVELOPE_TYPES.info,
    limit: "questions",
    answer: async (context, { namespace }, body) => await info(context, namespace!, readInfoRequest(body)),
  },
  WORKLOADS: {
    type: ENVELOPE_TYPES.workloads,
    limit: "questions",
    answer: (context, { namespace }, body) =>
      workloads(context, namespace!, parseQuery(workloadsRequestSchema, body, QUESTION_LIMITS)),
  },
  LOGS: {
    type: ENVELOPE_TYPES.logs,
    limit: "feeds",
    answer: (context, { namespace }, body) =>
      recentLogs(context, namespace!, parseQuery(logsRequestSchema, body, QUESTION_LIMITS)),
  },
  RECENT_EVENTS: {
    type: ENVELOPE_TYPES.recentEvents,
    limit: "feeds",
    answer: (context, { namespace }, body) =>
      recentEvents(context, namespace!, parseQuery(recentEventsRequestSchema, body, QUESTION_LIMITS)),
  },
  DEPLOY: {
    type: ENVELOPE_TYPES.run,
    limit: "changes",
    answer: allowedByClaims(deployRequestSchema, deploy),
  },
  STOP: {
    type: ENVELOPE_TYPES.stop,
    limit: "changes",
    answer: allowedByClaims(stopRequestSchema, stopInstance),
  },
  UNDEPLOY: {
    type: ENVELOPE_TYPES.undeploy,
    limit: "changes",
    answer: allowedByClaims(undeployRequestSchema, undeploy),
  },
  ROLLBACK: {
    type: ENVELOPE_TYPES.rollback,
    limit: "changes",
    answer: allowedByClaims(rollbackRequestSchema, rollback),
  },
  LAMEDUCK: { type: ENVELOPE_TYPES.lameDuck, limit: "changes", answer: (context) => enterLameDuck(context) },
};

/** 0.2.7 does not look at the body, so one that cannot be read is none. */
function readInfoRequest(body: Uint8Array): InfoRequest {
  try {
    return parseQuery(infoRequestSchema, body, QUESTION_LIMITS);
  } catch {
    return {};
  }
}

/** The node's API on NATS. Broadcast subjects have no queue group: every node answers for itself. */
export class ControlApi {
  readonly #connection: NatsConnection;
  readonly #context: ControlContext;
  readonly #limits: Readonly<Record<Limit, RateLimit>> = {
    changes: limitOf("changes"),
    questions: limitOf("questions"),
    feeds: limitOf("feeds"),
  };
  readonly #reports: RateLimit = new RateLimit(REPORTS_PER_SECOND, REPORTS_BURST);
  readonly #running: Set<Promise<void>> = new Set();
  #subscriptions: readonly Subscription[] = [];

  constructor(connection: NatsConnection, context: ControlContext) {
    this.#connection = connection;
    this.#context = context;
  }

  async open(): Promise<void> {
    const { nodeId } = this.#context.identity;
    const subjects = [
      controlSubjects.auction(),
      controlSubjects.ping(),
      controlSubjects.ping(nodeId),
      "$NEX.WPING.>",
      controlSubjects.info("*", nodeId),
      controlSubjects.deploy("*", nodeId),
      controlSubjects.stop("*", nodeId),
      controlSubjects.lameDuck(nodeId),
      controlSubjects.workloads("*"),
      controlSubjects.rollback("*", nodeId),
      controlSubjects.undeploy("*", nodeId),
      controlSubjects.logs("*"),
      controlSubjects.recentEvents("*"),
    ];
    this.#subscriptions = subjects.map((subject) =>
      this.#connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) this.#take(message);
        },
      }),
    );
    await this.#connection.flush();
  }

  /** Takes no more requests and waits for those under way. */
  async close(): Promise<void> {
    await Promise.all(
      this.#subscriptions.map(async (subscription) => await subscription.drain().catch(() => undefined)),
    );
    await Promise.all(this.#running);
  }

  #take(message: Msg): void {
    const work = this.#answer(message);
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  async #answer(message: Msg): Promise<void> {
    // Nobody could be told, and a reply to a subject of the server's own would be a write with our rights.
    if (message.reply === undefined || message.reply === "" || !mayReplyTo(message.reply)) return;
    const subject = parseControlSubject(message.subject);
    const endpoint = subject === undefined ? undefined : ENDPOINTS[subject.operation];
    const type = endpoint?.type ?? ENVELOPE_TYPES.ping;
    try {
      if (!this.#limits[endpoint?.limit ?? "questions"].take()) {
        throw new NexError("rate_limited", "This node gets more requests than it takes. Wait a second and try again.");
      }
      if (subject === undefined || endpoint === undefined) {
        throw new NexError(
          "invalid_request",
          `"${message.subject.slice(0, 200)}" is not a subject of the control API.`,
          { data: { subject: message.subject.slice(0, 200) } },
        );
      }
      const data = await endpoint.answer(this.#context, subject, message.data);
      if (data !== undefined) this.#respond(message, encodeMessage(successEnvelope(type, data)));
    } catch (thrown) {
      const error = toNexError(thrown);
      this.#report(subject, message.data, error);
      this.#refuse(message, type, error);
    }
  }

  #respond(message: Msg, body: Uint8Array): void {
    const max = this.#connection.info?.max_payload ?? Infinity;
    if (body.length <= max) {
      message.respond(body);
      return;
    }
    throw new NexError(
      "reply_too_large",
      `The answer has ${body.length} bytes, and the NATS server takes ${max}. Ask for less (limit), or raise its max_payload.`,
      { data: { bytes: body.length, max_payload: max } },
    );
  }

  #refuse(message: Msg, type: EnvelopeType, error: NexError): void {
    try {
      message.respond(encodeRefusal(type, error));
    } catch {
      // The connection has closed under us: there is nobody to tell.
    }
  }

  #report(subject: ControlSubject | undefined, request: Uint8Array, error: NexError): void {
    const type =
      subject?.operation === "DEPLOY" || subject?.operation === "ROLLBACK"
        ? "deploy_refused"
        : subject?.operation === "STOP" || subject?.operation === "UNDEPLOY"
          ? "stop_refused"
          : undefined;
    if (type === undefined || error.code === "rate_limited" || !this.#reports.take()) return;
    const { feeds, identity } = this.#context;
    feeds.publishEvent(
      createEvent(type, identity.nodeId, subject?.namespace ?? SYSTEM_NAMESPACE, {
        code: error.code,
        message: tellable(error).message,
        workload: nameIn(request),
      }),
    );
  }
}

/** Which workload a request was about, as far as that can be told of one that was refused. */
function nameIn(request: Uint8Array): string | undefined {
  try {
    const { workload_name, name = workload_name } = JSON.parse(Buffer.from(request).toString()) as Record<
      string,
      unknown
    >;
    return typeof name === "string" && isName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

function limitOf(name: Limit): RateLimit {
  const { perSecond, burst } = LIMITS[name];
  return new RateLimit(perSecond, burst);
}
