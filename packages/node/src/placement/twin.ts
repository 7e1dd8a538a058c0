import type { NatsConnection } from "@nats-io/transport-node";
import { controlSubjects, NexError } from "@nex/protocol";

/** Another node with this one's keys has so long to answer, ms. */
const TWIN_MS = 500;

/** Two nodes with one identity would each take the other's work for its own. @throws NexError `already_running` */
export async function refuseTwin(connection: NatsConnection, nodeId: string): Promise<void> {
  const answers = await connection.request(controlSubjects.ping(nodeId), "", { timeout: TWIN_MS }).then(
    () => true,
    // Nobody listens, which the server says at once, or nobody answers any more.
    () => false,
  );
  if (answers) throw twinError(nodeId);
}

export function twinError(nodeId: string): NexError {
  return new NexError(
    "already_running",
    `Another node runs with the same identity, ${nodeId}: was a state directory copied? Stop one of them, and delete node.seed in its state directory: it is a node of its own then.`,
    { data: { node_id: nodeId } },
  );
}
