import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

const STREAM_NOT_FOUND = 10059;

/**
 * False only if the server says that there is no such stream, as after it has come back with an empty store. A write
 * to one that is gone fails in several ways, a timeout among them, so the failure itself does not tell.
 */
export async function streamExists(connection: NatsConnection, stream: string): Promise<boolean> {
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await manager.streams.info(stream);
    return true;
  } catch (error) {
    return !(error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND);
  }
}
