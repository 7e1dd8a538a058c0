import { type AuctionRequest, parseKind } from "@nex/protocol";
import { SUPPORTED_KINDS } from "../../version.ts";
import type { ControlContext } from "../context.ts";
import { nodeTags } from "./node-tags.ts";

/** True if this node fits what the auction asks for; values of tags match whatever their case, as in 0.2.7. */
export function fitsAuction(context: ControlContext, request: AuctionRequest): boolean {
  const tags = nodeTags(context, context.lameDuck.isOn);
  const equal = (key: string, wanted: string): boolean =>
    Object.hasOwn(tags, key) && tags[key]?.toLowerCase() === wanted.toLowerCase();
  if (request.arch !== undefined && !equal("nex.arch", request.arch)) return false;
  if (request.os !== undefined && !equal("nex.os", request.os)) return false;
  if (request.sandboxed !== undefined && request.sandboxed !== context.sandbox.isBoundary) return false;
  if (!Object.entries(request.tags ?? {}).every(([key, wanted]) => equal(key, wanted))) return false;
  return (request.workload_types ?? []).every((type) => {
    const kind = parseKind(type);
    return kind !== undefined && SUPPORTED_KINDS.includes(kind);
  });
}
