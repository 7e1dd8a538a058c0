import { decode, type Link, LOGS_CODE, type LogBatch, logBatch } from "@nex/link";

/** Told of what comes in on the links of a sandbox that are not its agent's. */
export interface RunnerLinksListener {
  /** @param prefix of the ids of invocations on this link */
  onRunner(link: Link, prefix: string): void;
  /** A runner's second link, on which it waits for host services while its event loop stands still. */
  onServices(link: Link): void;
  onLogs(batch: LogBatch): void;
}

/** The links of one sandbox's runners: kept for the listener that comes, and told to the one that is there. */
export class RunnerLinks {
  readonly #agentId: string;
  readonly #runners: Map<Link, string> = new Map();
  readonly #services: Set<Link> = new Set();
  #count = 0;
  #listener: RunnerLinksListener | undefined;

  constructor(agentId: string) {
    this.#agentId = agentId;
  }

  /** Of the invocations of the runner that is next to say hello. */
  get prefix(): string {
    return `${this.#agentId}-${this.#count}`;
  }

  listen(listener: RunnerLinksListener): void {
    this.#listener = listener;
    for (const [link, prefix] of this.#runners) listener.onRunner(link, prefix);
    for (const link of this.#services) listener.onServices(link);
  }

  addRunner(link: Link): void {
    const { prefix } = this;
    this.#count++;
    this.#runners.set(link, prefix);
    void link.closed.then(() => this.#runners.delete(link));
    this.takeLogs(link);
    this.#listener?.onRunner(link, prefix);
  }

  addServices(link: Link): void {
    this.#services.add(link);
    void link.closed.then(() => this.#services.delete(link));
    this.#listener?.onServices(link);
  }

  /** Hands on the log records that come in on `link`. */
  takeLogs(link: Link): void {
    link.handleNotify(LOGS_CODE, (body) => {
      if (this.#listener !== undefined && !link.isClosed) this.#listener.onLogs(decode("logs", logBatch, body));
    });
  }
}
