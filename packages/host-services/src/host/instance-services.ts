import {
  decodeServiceRequest,
  encodeServiceAnswer,
  type IncomingCall,
  type Link,
  SERVICE_CODE,
  type ServiceRequest,
  WHOLE_FLAG,
} from "@nex/link";
import { NexError, type NexErrorCode, toNexError } from "@nex/protocol";
import type { ByteBudget } from "./byte-budget.ts";
import type { ServiceCall, ServiceReply } from "./service.ts";
import { labelOf, type Note, type WorkloadServices } from "./workload-services.ts";

/** Payload bytes of one instance's calls that may be open at once. */
const MAX_OPEN_BYTES = 32 * 1024 * 1024;

/** A body that moves by nothing for this long has been forgotten by its guest, ms. */
const IDLE_MS = 30_000;

/** Outcomes a function reckons with: not worth a line in its log. */
const EXPECTED: ReadonlySet<NexErrorCode> = new Set([
  "key_exists",
  "wrong_revision",
  "not_found",
  "no_responders",
  "cancelled",
  "link_closed",
]);

export interface ServeOptions {
  /** Why no call is taken just now, if so: asked for each call. */
  readonly refusal?: () => NexError | undefined;
  /** See {@link ServiceCall.blockedTriggers}. */
  readonly blockedTriggers?: () => readonly string[];
}

const NO_TRIGGERS: readonly string[] = [];

/** Answers the host service calls of one instance, whichever of its links they come in on. */
export class InstanceServices {
  readonly #workload: WorkloadServices;
  readonly #note: Note;
  readonly #maxCalls: number;
  readonly #open: Set<OpenCall> = new Set();
  #openBytes = 0;

  constructor(workload: WorkloadServices, note: Note) {
    this.#workload = workload;
    this.#note = note;
    this.#maxCalls = workload.scope.config.max_calls;
  }

  /** Takes calls on this link from now on. */
  serve(link: Link, options: ServeOptions = {}): void {
    link.handle(SERVICE_CODE, (incoming) => this.#onCall(link, incoming, options));
  }

  /** Answers everything that is open on this link with `reason`: whoever waits there is to go on. */
  interrupt(link: Link, reason: NexError): void {
    for (const call of this.#open) {
      if (call.link !== link) continue;
      call.incoming.fail(reason);
      call.incoming.cancel(reason);
    }
  }

  #onCall(link: Link, incoming: IncomingCall, options: ServeOptions): void {
    let request: ServiceRequest;
    try {
      request = decodeServiceRequest(incoming.body);
    } catch {
      // Only a hostile guest sends what cannot be read.
      link.close(new NexError("link_protocol", "The runner sent a host service call that is cut short."));
      return;
    }
    const size = incoming.body.length;
    const refusal = options.refusal?.() ?? this.#overload(size);
    if (refusal !== undefined) {
      incoming.fail(refusal);
      return;
    }
    const { heldBytes } = this.#workload.scope;
    const blockedTriggers = options.blockedTriggers ?? (() => NO_TRIGGERS);
    const call = new OpenCall({ link, incoming, request, blockedTriggers, note: this.#note, heldBytes });
    this.#open.add(call);
    this.#openBytes += size;
    void this.#run(call);
  }

  /** Takes the call's bytes where there is room. */
  #overload(size: number): NexError | undefined {
    if (this.#open.size < this.#maxCalls && this.#openBytes + size <= MAX_OPEN_BYTES)
      return this.#workload.scope.heldBytes.take(size)?.overloaded();
    return new NexError(
      "overloaded",
      `This instance has ${this.#open.size} host service calls open; at most ${this.#maxCalls} may be. Await some of them first.`,
    );
  }

  async #run(call: OpenCall): Promise<void> {
    const { service, method } = call.request;
    try {
      const passing = this.#workload.pass(service, call.incoming.body.length);
      if (passing !== undefined) await Promise.race([passing, call.withdrawn()]);
      const reply = await this.#workload.find(service).call(call);
      // A guest that asks but does not read must not have answers pile up here.
      if (call.link.congested) {
        call.hold(reply.payload?.length ?? 0);
        await new Promise<void>((resolve) => call.link.whenDrained(resolve));
      }
      await call.answer(reply);
    } catch (thrown) {
      const error = toNexError(thrown);
      call.incoming.fail(error);
      if (!EXPECTED.has(error.code))
        this.#note("warn", `${labelOf(service, method)} failed (${error.code}): ${error.message}`);
    } finally {
      this.#open.delete(call);
      this.#openBytes -= call.incoming.body.length;
      call.giveBack();
    }
  }
}

interface OpenCallParts {
  readonly link: Link;
  readonly incoming: IncomingCall;
  readonly request: ServiceRequest;
  readonly blockedTriggers: () => readonly string[];
  readonly note: Note;
  /** The call's own bytes are taken already. */
  readonly heldBytes: ByteBudget;
}

class OpenCall implements ServiceCall {
  readonly link: Link;
  readonly incoming: IncomingCall;
  readonly request: ServiceRequest;
  readonly note: Note;
  readonly #blockedTriggers: () => readonly string[];
  readonly #heldBytes: ByteBudget;
  #held: number;

  constructor({ link, incoming, request, blockedTriggers, note, heldBytes }: OpenCallParts) {
    this.link = link;
    this.incoming = incoming;
    this.request = request;
    this.#blockedTriggers = blockedTriggers;
    this.note = note;
    this.#heldBytes = heldBytes;
    this.#held = incoming.body.length;
  }

  hold(bytes: number): void {
    if (bytes === 0) return;
    const full = this.#heldBytes.take(bytes);
    if (full !== undefined) throw full.overloaded();
    this.#held += bytes;
  }

  /** All that the call has held. */
  giveBack(): void {
    this.#heldBytes.give(this.#held);
    this.#held = 0;
  }

  /** Rejects when the guest withdraws. */
  async withdrawn(): Promise<never> {
    return await new Promise((_, reject) => this.whenWithdrawn(reject));
  }

  get method(): number {
    return this.request.method;
  }

  get args(): readonly string[] {
    return this.request.args;
  }

  get headers(): ServiceRequest["headers"] {
    return this.request.headers;
  }

  get payload(): Buffer {
    return this.request.payload;
  }

  get signal(): AbortSignal {
    return this.incoming.signal;
  }

  whenWithdrawn(then: (reason: NexError) => void): void {
    this.incoming.onCancel = then;
  }

  get blockedTriggers(): readonly string[] {
    return this.#blockedTriggers();
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#isWhole ? once(this.payload) : this.#watched(this.incoming.stream);
  }

  get #isWhole(): boolean {
    return (this.request.flags & WHOLE_FLAG) !== 0;
  }

  async answer(reply: ServiceReply): Promise<void> {
    const { args, headers, payload, body } = reply;
    const head = encodeServiceAnswer(args, headers);
    if (body === undefined) this.incoming.reply(head, payload);
    else if (this.#isWhole) this.incoming.reply(head, await collect(body));
    else await this.#stream(head, body);
  }

  async #stream(head: Buffer, body: AsyncIterable<Uint8Array>): Promise<void> {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(head.length);
    const { stream } = this.incoming;
    await stream.write(Buffer.concat([length, head]));
    using idle = new IdleTimer(() => this.#giveUp());
    for await (const chunk of body) {
      await stream.write(chunk);
      idle.moved();
    }
    this.incoming.reply();
  }

  async *#watched(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    using idle = new IdleTimer(() => this.#giveUp());
    for await (const chunk of stream) {
      idle.moved();
      yield chunk;
    }
  }

  /** Fails the call and with it whatever waits on its stream. */
  #giveUp(): void {
    const reason = new NexError("timeout", `The body of a host service call stood still for ${IDLE_MS / 1000} s.`);
    this.incoming.fail(reason);
    this.incoming.cancel(reason);
  }
}

/** Largest body for a guest that cannot stream. The same as what one NATS message holds by default. */
const MAX_WHOLE_BYTES = 1024 * 1024;

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_WHOLE_BYTES) {
      throw new NexError(
        "too_large",
        `It has more than ${MAX_WHOLE_BYTES} bytes, which the script form does not take. The module form can stream it.`,
        { data: { limit: MAX_WHOLE_BYTES } },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* once(payload: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (payload.length > 0) yield payload;
}

class IdleTimer implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(onIdle: () => void) {
    this.#timer = setTimeout(onIdle, IDLE_MS).unref();
  }

  moved(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
