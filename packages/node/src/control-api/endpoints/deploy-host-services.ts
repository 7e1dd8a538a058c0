import { narrowHostServices } from "@nex/host-services/host";
import { type DeployRequest, type HostServiceLimits, NexError, type WorkloadKind } from "@nex/protocol";
import type { ControlContext } from "../context.ts";

/**
 * What the function gets less of than the node gives.
 * @throws NexError `unsupported_limit`, `service_disabled`, `http_denied` where it asks for more; `invalid_request`
 */
export function deployHostServices(
  { config }: Pick<ControlContext, "config">,
  kind: WorkloadKind,
  { host_service_limits: limits }: DeployRequest,
): HostServiceLimits | undefined {
  if (limits === undefined) return undefined;
  if (kind === "elf") {
    throw new NexError("invalid_request", "Services use no host services; only functions can be narrowed in them.", {
      data: { field: "host_service_limits" },
    });
  }
  narrowHostServices(config.host_services, limits);
  return limits;
}
