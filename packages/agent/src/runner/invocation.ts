import { AsyncLocalStorage } from "node:async_hooks";
import type { FunctionLog, FunctionServices, WorkloadIdentity } from "@nex/functions";
import type { InvocationParts } from "@nex/functions/internal";
import { UnreadBodies } from "@nex/host-services/guest";
import type { IncomingCall } from "@nex/link";

/** What all invocations of a runner have in common. */
export interface InvocationScope {
  readonly prefix: string;
  readonly workload: WorkloadIdentity;
  readonly env: Readonly<Record<string, string>>;
  readonly log: FunctionLog;
  readonly services: FunctionServices;
}

/** The invocation whose code is running, so that what it writes to the console can be told from others'. */
export const currentInvocation: AsyncLocalStorage<Invocation> = new AsyncLocalStorage();

export class Invocation implements InvocationParts {
  readonly #call: IncomingCall;
  readonly #scope: InvocationScope;
  #unread: UnreadBodies | undefined;
  #hasEnded = false;

  constructor(call: IncomingCall, scope: InvocationScope) {
    this.#call = call;
    this.#scope = scope;
  }

  get invocationId(): string {
    return `${this.#scope.prefix}-${this.#call.id}`;
  }

  get workload(): WorkloadIdentity {
    return this.#scope.workload;
  }

  get env(): Readonly<Record<string, string>> {
    return this.#scope.env;
  }

  get log(): FunctionLog {
    return this.#scope.log;
  }

  get services(): FunctionServices {
    return this.#scope.services;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** Of its host service calls. */
  get unread(): UnreadBodies {
    if (this.#unread === undefined) {
      this.#unread = new UnreadBodies();
      if (this.#hasEnded) this.#unread.end();
    }
    return this.#unread;
  }

  /** Lets go of answers it has not begun to read: each would hold a place among the open calls until it is given up on. */
  end(): void {
    this.#hasEnded = true;
    this.#unread?.end();
  }
}
