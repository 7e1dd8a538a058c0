import type { NatsConnection } from "@nats-io/transport-node";
import { createEvent, SYSTEM_NAMESPACE } from "@nex/protocol";
import type { ControlContext } from "./control-api/context.ts";
import { ControlApi } from "./control-api/control-api.ts";
import { ping } from "./control-api/endpoints/describe.ts";
import { nodeTags } from "./control-api/endpoints/node-tags.ts";
import { neededArtifacts } from "./registry/needed-artifacts.ts";
import { nodeServices } from "./services/node-services.ts";
import { ServiceResponder } from "./services/service-responder.ts";
import { VERSION } from "./version.ts";

const HEARTBEAT_MS = 30_000;

const TIDY_MS = 600_000;

/** An artifact that no workload of this node needs is kept this long for other nodes and clients, ms. */
const ARTIFACT_KEEP_MS = 3_600_000;

/** Answers the control API and service discovery, tells that the node is there, and tidies, until the stack is disposed of. */
export async function openApi(
  stack: AsyncDisposableStack,
  connection: NatsConnection,
  context: ControlContext,
): Promise<void> {
  const { feeds, identity } = context;
  const announce = (type: "node_started" | "node_stopped" | "heartbeat", data: Record<string, unknown>): void =>
    feeds.publishEvent(createEvent(type, identity.nodeId, SYSTEM_NAMESPACE, data));
  stack.defer(() => announce("node_stopped", { id: identity.nodeId, graceful: true }));
  const responder = new ServiceResponder(connection, () => nodeServices(context));
  responder.open();
  stack.defer(async () => await responder.close());
  const api = new ControlApi(connection, context);
  await api.open();
  // Deploys under way end with the supervisor; the API waits for them, to answer them all.
  stack.defer(async () => void (await Promise.all([api.close(), context.supervisor.close()])));
  const heartbeat = setInterval(() => {
    const { version, uptime, tags, nexus, node_id, running_machines } = ping(context);
    announce("heartbeat", { version, node_id, nexus, uptime, tags, running_machines });
  }, HEARTBEAT_MS);
  stack.defer(() => clearInterval(heartbeat));
  const tidying = setInterval(() => void tidyArtifacts(context), TIDY_MS);
  stack.defer(() => clearInterval(tidying));
  announce("node_started", { version: VERSION, id: identity.nodeId, tags: nodeTags(context, context.lameDuck.isOn) });
}

/**
 * Frees the room of artifacts nobody needs, and puts back those that this node does and another has taken for
 * needless. A failure shows at the next upload; it must not end the node.
 */
async function tidyArtifacts(context: ControlContext): Promise<void> {
  const recorded = await neededArtifacts(context.records).catch(() => undefined);
  // What other nodes need is not known now, and nothing is lost by waiting.
  if (recorded === undefined) return;
  const needed = new Set([...context.supervisor.artifacts, ...context.deploys.artifacts, ...recorded]);
  await Promise.allSettled([
    context.artifacts.collect(needed, ARTIFACT_KEEP_MS),
    context.cache.prune(needed, ARTIFACT_KEEP_MS),
    context.cache.putBack(context.supervisor.artifacts),
  ]);
}
