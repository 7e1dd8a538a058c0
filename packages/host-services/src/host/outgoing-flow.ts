import type { NatsConnection } from "@nats-io/transport-node";

/** After so many bytes of calls the next one waits until the server has taken them. */
const WINDOW_BYTES = 1024 * 1024;

/** What a message without payload and headers takes in the client's memory, about. */
const MESSAGE_BYTES = 256;

/**
 * Holds back a workload whose calls hand more to NATS than the server takes: nats.js keeps all of it in memory, and a
 * server that stalls, or is about to be missed, would have a node swell by what its functions send.
 */
export class OutgoingFlow {
  readonly #connection: NatsConnection;
  #sent = 0;
  #flushing: Promise<void> | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  /** Lets a call with so many bytes pass; a promise if it has to wait for that. */
  pass(bytes: number): Promise<void> | undefined {
    if (this.#flushing !== undefined) return this.#wait(bytes);
    this.#sent += bytes + MESSAGE_BYTES;
    if (this.#sent > WINDOW_BYTES) this.#flushing = this.#flush();
    return undefined;
  }

  async #wait(bytes: number): Promise<void> {
    // Who comes out of the wait first may fill the window again.
    while (this.#flushing !== undefined) await this.#flushing;
    void this.pass(bytes);
  }

  async #flush(): Promise<void> {
    try {
      await this.#connection.flush();
    } catch {
      // It is lost or closed: the next call sees that for itself.
    } finally {
      this.#sent = 0;
      this.#flushing = undefined;
    }
  }
}
