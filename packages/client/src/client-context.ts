import type { NatsConnection } from "@nats-io/transport-node";
import type { SigningKey } from "@nex/protocol";

/** What every part of the client works with. */
export interface ClientContext {
  readonly connection: NatsConnection;
  readonly namespace: string;
  /** For an answer that costs a node little, ms. */
  readonly timeoutMs: number;
  /** For a deploy, rollback or stop, ms. */
  readonly deployTimeoutMs: number;
  /** Aborted when the client is closed. */
  readonly closed: AbortSignal;
  /** The key that signs what changes something. @throws NexError `file_not_found`, `invalid_request` */
  issuer(): Promise<SigningKey>;
}
