import type { NatsConnection } from "@nats-io/transport-node";
import { waitFor } from "@nex/testing";

/** Requests that are sent one after the other on many lanes, and how each ended. */
export class Load {
  /** Answers, each once, and how often it came. */
  readonly answers: Map<string, number> = new Map();
  /** Errors of functions and nodes, and requests that nobody answered. */
  readonly failures: string[] = [];
  #sent = 0;
  #isStopped = false;
  readonly #lanes: Promise<void>[];

  constructor(client: NatsConnection, subject: string, lanes = 64, timeout = 20_000) {
    this.#lanes = Array.from({ length: lanes }, async () => {
      while (!this.#isStopped) {
        this.#sent++;
        try {
          const reply = await client.request(subject, "", { timeout });
          const code = reply.headers?.get("Nats-Service-Error-Code") ?? "";
          if (code === "") this.answers.set(reply.string(), (this.answers.get(reply.string()) ?? 0) + 1);
          else this.failures.push(`${code} ${reply.headers?.get("Nats-Service-Error")}`);
        } catch (error) {
          this.failures.push((error as Error).message);
        }
      }
    });
  }

  /** Waits until so many more requests have been answered. */
  async goOn(count: number): Promise<void> {
    const goal = this.#sent + count;
    await waitFor(() => this.#sent >= goal, { message: "more requests", timeoutMs: 30_000 });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#lanes);
  }
}
