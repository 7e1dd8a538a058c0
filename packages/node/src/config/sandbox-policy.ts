import type { NatsConnection } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import type { Issuers } from "../control-api/admission.ts";
import type { SandboxDriver, SandboxLimit } from "@nex/sandboxes";

export interface SandboxSituation {
  readonly driver: SandboxDriver;
  readonly connection: NatsConnection;
  readonly isEmbedded: boolean;
  readonly issuers: Issuers;
}

const LIMITS: readonly { readonly limit: SandboxLimit; readonly name: string }[] = [
  { limit: "memoryBytes", name: "memory" },
  { limit: "processes", name: "processes" },
  { limit: "cpus", name: "processor time" },
];

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)(:\d+)?$/i;

/**
 * What the operator must know about the sandbox chosen, one line each.
 * @throws NexError `sandbox_refused` where anybody on the network could run anything on this machine
 */
export function checkSandboxPolicy({ driver, connection, isEmbedded, issuers }: SandboxSituation): string[] {
  const warnings: string[] = [];
  const isLocal = isEmbedded || LOOPBACK.test(connection.getServer());
  const isRoot = process.getuid?.() === 0;
  if (!driver.isBoundary && isRoot && !isLocal && issuers.size === 0) {
    throw new NexError(
      "sandbox_refused",
      `The "${driver.name}" sandbox is no boundary, this node runs as root, and everyone on ${connection.getServer()} could deploy to it. List the issuers you trust in the node's config, run the node as another user, or use a stronger sandbox.`,
      { data: { sandbox: driver.name, server: connection.getServer() } },
    );
  }
  if (!driver.isBoundary) {
    warnings.push(
      `The "${driver.name}" sandbox is NOT a security boundary: workloads see this machine as any of its users does. Run only code you trust.`,
    );
  }
  if (driver.isBoundary && driver.network === "host") {
    warnings.push(
      `share_network is on: workloads in the "${driver.name}" sandbox reach everything that this machine reaches, its own services among them.`,
    );
  }
  const unheld = LIMITS.filter(({ limit }) => !driver.limits.has(limit));
  if (driver.limitsRemedy !== undefined && unheld.length > 0) {
    warnings.push(
      `The "${driver.name}" sandbox cannot limit ${unheld.map(({ name }) => name).join(", ")} here: ${driver.limitsRemedy}.`,
    );
  }
  // The embedded server lets in only those who can read its credentials.
  if (issuers.size === 0 && !isEmbedded) {
    warnings.push(
      "Everyone who reaches this NATS server may deploy here: no issuers are listed. Name them under issuers in the node's config.",
    );
  }
  return warnings;
}
