import { type Claims, decodeClaims, NexError } from "@nex/protocol";
import type { Fleet } from "../../placement/fleet.ts";
import { keyOf, readRevision } from "../../registry/records.ts";
import type { ControlContext } from "../context.ts";

/** What the running revision was deployed by, on whichever node. @throws NexError `workload_not_found` */
export async function deployClaims(
  context: ControlContext,
  fleet: Fleet,
  namespace: string,
  name: string,
): Promise<Claims> {
  const record = fleet.record(namespace, name);
  const local = context.supervisor.find(namespace, name)?.plan;
  if (local !== undefined && (record === undefined || local.claims.issuer === record.owner)) return local.claims;
  if (record === undefined) throw workloadNotFound(namespace, name);
  // One that cannot be read can be stopped all the same, by its owner.
  const unknown = { id: "", issuer: record.owner, name, issuedAt: 0 };
  const key = keyOf.revision(namespace, name, record.current);
  try {
    const found = await fleet.cache.bucket.get(key);
    if (found?.bytes === undefined) return unknown;
    const claims = decodeClaims(readRevision(key, found.bytes).request.workload_jwt);
    return claims.issuer === record.owner && claims.name === name ? claims : unknown;
  } catch {
    return unknown;
  }
}

/** Nobody in the nexus runs it. */
export function workloadNotFound(namespace: string, name: string): NexError {
  return new NexError(
    "workload_not_found",
    `There is no workload "${name}" in the namespace "${namespace}" of this nexus.`,
    { data: { namespace, name } },
  );
}
