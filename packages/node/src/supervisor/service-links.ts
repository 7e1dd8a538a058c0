import { InstanceServices, type WorkloadServices } from "@nex/host-services/host";
import type { Link } from "@nex/link";
import { type LogLevel, NexError } from "@nex/protocol";

export interface ServiceLinksOptions {
  readonly services: WorkloadServices;
  readonly triggers: readonly string[];
  readonly note: (level: LogLevel, text: string) => void;
  /** Invocations under way; `undefined` before there can be any. */
  readonly inFlight: () => number | undefined;
  /** True where the function runs one invocation at a time, so that it cannot answer itself. */
  readonly isAlone: () => boolean;
}

const NO_TRIGGERS: readonly string[] = [];

/** The links on which one instance's runners call host services. */
export class ServiceLinks {
  readonly #options: ServiceLinksOptions;
  readonly #services: InstanceServices;
  /** Those on which a runner waits while its event loop stands still. */
  readonly #waiting: Set<Link> = new Set();
  /** The last invocation passed its deadline: until the next one, what its runner still asks for is refused. */
  #isOverdue = false;

  constructor(options: ServiceLinksOptions) {
    this.#options = options;
    this.#services = new InstanceServices(options.services, options.note);
  }

  serveRunner(link: Link): void {
    const { triggers, isAlone } = this.#options;
    this.#services.serve(link, { blockedTriggers: () => (isAlone() ? triggers : NO_TRIGGERS) });
  }

  serveWaiting(link: Link): void {
    this.#waiting.add(link);
    void link.closed.then(() => this.#waiting.delete(link));
    const { triggers, inFlight } = this.#options;
    this.#services.serve(link, {
      blockedTriggers: () => triggers,
      refusal: () => (this.#isOverdue && inFlight() === 0 ? overdue() : undefined),
    });
  }

  /** A runner that waits in a host service is not stuck: it is sent on, so that its overdue invocation can end. */
  interruptWaits(): void {
    this.#isOverdue = true;
    for (const link of this.#waiting) this.#services.interrupt(link, overdue());
  }

  /** Another runner takes over; nothing of the last one's is overdue. */
  renew(): void {
    this.#isOverdue = false;
  }
}

function overdue(): NexError {
  return new NexError("deadline_exceeded", "The invocation's deadline has passed; host services answer it no more.");
}
