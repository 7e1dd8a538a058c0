import { createEvent, type LameDuckResponse, SYSTEM_NAMESPACE } from "@nex/protocol";
import { VERSION } from "../version.ts";
import type { ControlContext } from "./context.ts";

/** Takes no more deploys from now on; in a fleet other nodes take over what runs here. */
export function enterLameDuck(context: ControlContext): LameDuckResponse {
  const { nodeId } = context.identity;
  if (!context.lameDuck.isOn) {
    context.lameDuck.isOn = true;
    context.presence.announce();
    context.feeds.publishEvent(
      createEvent("node_entered_lameduck", nodeId, SYSTEM_NAMESPACE, { version: VERSION, id: nodeId }),
    );
  }
  return { node_id: nodeId, success: true };
}
