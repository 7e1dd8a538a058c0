import { setTimeout as sleep } from "node:timers/promises";
import { NexError, toNexError } from "@nex/protocol";
import { backoffMs } from "@nex/system";
import type { ServerProcess } from "./server-process.ts";

export interface ServerSupervisorOptions {
  /** Starts the server again and waits until it answers, at its old address. */
  readonly start: () => Promise<ServerProcess>;
  /** It ended unasked and is about to be started again. */
  readonly onEnded: (how: string) => Promise<void>;
  readonly onRestarted: (server: ServerProcess) => Promise<void>;
  /** It does not come up any more. */
  readonly onGivenUp: (error: NexError) => void;
}

/** Ends and failed starts in a row, after which it is given up on: it has tried for about 15 s. */
const MAX_FAILURES = 7;

/** A server that has lived for so long has not failed for what made it end before, ms. */
const STABLE_MS = 60_000;

/** The running server, started again when it ends without having been asked to. Clients come back by themselves. */
export class ServerSupervisor {
  readonly #options: ServerSupervisorOptions;
  readonly #stop: AbortController = new AbortController();
  #process: ServerProcess;
  /** The server once it runs; a failure is told by `onGivenUp` too. */
  #running: Promise<ServerProcess>;
  #failures = 0;

  constructor(server: ServerProcess, options: ServerSupervisorOptions) {
    this.#options = options;
    this.#process = server;
    this.#running = Promise.resolve(server);
    this.#watch(server);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The server, once it runs. @throws NexError `nats_server_failed` when it was given up on */
  async running(): Promise<ServerProcess> {
    return await this.#running;
  }

  /** Lets it end for good: SIGTERM, grace, SIGKILL. */
  async stop(): Promise<void> {
    this.#stop.abort();
    // A start under way is waited for; what it started is ended.
    const server = await this.#running.catch(() => this.#process);
    await server.stop();
  }

  #watch(server: ServerProcess): void {
    const since = performance.now();
    void server.exited.then((how) => {
      if (this.#stop.signal.aborted) return;
      if (performance.now() - since > STABLE_MS) this.#failures = 0;
      this.#running = this.#restart(how);
      this.#running.catch(() => undefined);
    });
  }

  async #restart(how: string): Promise<ServerProcess> {
    await this.#options.onEnded(how);
    for (;;) {
      try {
        // The first start is immediate: most ends are a single event.
        if (this.#failures++ > 0) await sleep(backoffMs(this.#failures - 2), undefined, { signal: this.#stop.signal });
        this.#process = await this.#options.start();
        await this.#options.onRestarted(this.#process);
        this.#watch(this.#process);
        return this.#process;
      } catch (cause) {
        if (this.#stop.signal.aborted)
          throw new NexError("nats_server_failed", "The embedded nats-server is being stopped.", { cause });
        const error = toNexError(cause);
        if (this.#failures < MAX_FAILURES) continue;
        this.#options.onGivenUp(error);
        throw error;
      }
    }
  }
}
