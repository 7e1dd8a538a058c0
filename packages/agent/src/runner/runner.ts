import { format } from "node:util";
import { handlerFailure } from "@nex/functions/internal";
import { BlockingClient, moduleServices, ServiceClient, stackOfText } from "@nex/host-services/guest";
import {
  ABANDONED_CODE,
  agreeOnVersion,
  boot,
  callMethod,
  decodeTrigger,
  encodeReplyHead,
  hello,
  type HelloReply,
  type IncomingCall,
  type Link,
  LINK_VERSION,
  load,
  type LoadOrder,
  type LoadReply,
  LOGS_CODE,
  serveMethod,
  TRIGGER_CODE,
} from "@nex/link";
import { NexError } from "@nex/protocol";
import type { EncodedReply } from "@nex/functions/internal";
import { LogBatcher } from "../logs/log-batcher.ts";
import { captureConsole, functionLog, readableStack, stackOf } from "./console.ts";
import { loadFunction } from "./forms/load-function.ts";
import { currentInvocation, Invocation, type InvocationScope } from "./invocation.ts";
import type { LoadedFunction } from "./loaded-function.ts";

/** A link to the node on which reads and writes block: that of `RunnerDescriptor`. */
const SERVICES_DESCRIPTOR = 7;

/** Runs one function: triggers come in on the node's link, the source on the agent's. */
export class Runner {
  readonly #nodeLink: Link;
  readonly #logs: LogBatcher;
  #greeting: HelloReply | undefined;
  #function: LoadedFunction | undefined;
  #scope: InvocationScope | undefined;
  /** Invocations that were given up on and have not settled. */
  #abandoned = 0;

  constructor(nodeLink: Link, agentLink: Link) {
    this.#nodeLink = nodeLink;
    this.#logs = new LogBatcher({
      get congested() {
        return nodeLink.congested;
      },
      send: (batch) => nodeLink.notify(LOGS_CODE, Buffer.from(JSON.stringify(batch))),
    });
    serveMethod(agentLink, boot, async ({ token }) => {
      this.#greeting = await callMethod(
        nodeLink,
        hello,
        { token, role: "runner", version: LINK_VERSION },
        { deadlineMs: 5000 },
      );
      agreeOnVersion(this.#greeting.version);
      return null;
    });
    serveMethod(agentLink, load, async (order, call) => await this.#load(order, call));
    nodeLink.handle(TRIGGER_CODE, (call) => this.#trigger(call));
  }

  /** Writes what a fault outside any invocation was. */
  reportFault(thrown: unknown): void {
    this.#logFailure(thrown);
  }

  /** Sends all that is still gathered: the process is about to end. */
  leave(exitCode: number): void {
    this.#logs.flush();
    this.#nodeLink.close(new NexError("link_closed", `The runner ended with exit code ${exitCode}.`));
  }

  async #load(order: LoadOrder, call: IncomingCall): Promise<LoadReply> {
    if (this.#function !== undefined || this.#greeting === undefined) {
      throw new NexError("already_deployed", "This runner holds a function already, or has not said hello.");
    }
    const source = await collect(call, order.size);
    Object.assign(process.env, order.env);
    captureConsole(this.#logs);
    const maxPayload = (): number => this.#greeting!.max_payload;
    const client = new ServiceClient({
      link: this.#nodeLink,
      maxPayload,
      unread: () => currentInvocation.getStore()?.unread,
    });
    this.#scope = {
      prefix: this.#greeting.invocation_prefix,
      workload: Object.freeze({ name: order.name, namespace: order.namespace, revision: order.revision }),
      env: Object.freeze({ ...order.env }),
      log: functionLog(this.#logs),
      services: moduleServices(client),
    };
    // A sandbox has no network: the platform's own fetch could only fail. Modules may use it while they load.
    const { http } = this.#scope.services;
    globalThis.fetch = async (input, init) => await http.fetch(input, init);
    const services = new BlockingClient(SERVICES_DESCRIPTOR, maxPayload);
    this.#function = await loadFunction(order, source, { logs: this.#logs, maxReply: maxPayload(), services, client });
    return { concurrency: this.#function.concurrency };
  }

  #trigger(call: IncomingCall): void {
    const loaded = this.#function;
    if (loaded === undefined || this.#scope === undefined) {
      call.fail(new NexError("internal", "A trigger came before the function was loaded."));
      return;
    }
    call.onCancel = this.#onAbandoned;
    const invocation = new Invocation(call, this.#scope);
    currentInvocation.run(invocation, () => this.#invoke(loaded, call, invocation));
  }

  #invoke(loaded: LoadedFunction, call: IncomingCall, invocation: Invocation): void {
    let result: EncodedReply | Promise<EncodedReply>;
    try {
      result = loaded.invoke(decodeTrigger(call.body), invocation);
    } catch (thrown) {
      this.#fail(call, invocation, thrown);
      return;
    }
    if (result instanceof Promise) {
      result.then(
        (reply) => this.#reply(call, invocation, reply),
        (thrown: unknown) => this.#fail(call, invocation, thrown),
      );
    } else {
      this.#reply(call, invocation, result);
    }
  }

  #reply(call: IncomingCall, invocation: Invocation, { payload, headers }: EncodedReply): void {
    invocation.end();
    if (!call.open) {
      this.#abandoned--;
      return;
    }
    const head = encodeReplyHead(
      headers === undefined
        ? undefined
        : [...headers].flatMap(([name, values]) => values.map((value) => [name, value] as const)),
    );
    const limit = this.#greeting!.max_payload;
    // NATS counts headers too; in its own form, which takes no more than the link's and a dozen bytes.
    const headerBytes = headers === undefined ? 0 : head.length + 12;
    if (headerBytes + payload.length > limit) {
      this.#fail(
        call,
        invocation,
        new NexError(
          "reply_too_large",
          `The function's reply has ${headerBytes + payload.length} bytes with its headers; the NATS server carries at most ${limit} in one message.`,
        ),
      );
      return;
    }
    call.reply(head, payload);
  }

  #fail(call: IncomingCall, invocation: Invocation, thrown: unknown): void {
    invocation.end();
    this.#logFailure(thrown);
    if (call.open) call.fail(handlerFailure(thrown));
    else this.#abandoned--;
  }

  #logFailure(thrown: unknown): void {
    this.#logs.add(
      "error",
      "console",
      readableStack(stackOf(thrown) ?? stackOfText(thrown) ?? format("Thrown: %O", thrown)),
      currentInvocation.getStore()?.invocationId,
    );
  }

  readonly #onAbandoned = (): void => {
    this.#abandoned++;
    const count = Buffer.allocUnsafe(4);
    count.writeUInt32LE(this.#abandoned);
    this.#nodeLink.notify(ABANDONED_CODE, count);
  };
}

async function collect(call: IncomingCall, size: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of call.stream) chunks.push(chunk);
  const source = Buffer.concat(chunks);
  if (source.length !== size)
    throw new NexError("link_protocol", `The source has ${source.length} bytes instead of ${size}.`);
  return source;
}
