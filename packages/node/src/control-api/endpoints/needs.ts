import type { DeployRequest, WorkloadKind } from "@nex/protocol";
import type { Needs } from "../../registry/records.ts";
import type { ControlContext } from "../context.ts";
import { nodeTags } from "./node-tags.ts";

/** Where a deploy may run: what it says, and for a program machines of the architecture that it was admitted on. */
export function needsOf(
  context: Pick<ControlContext, "config" | "sandbox">,
  kind: WorkloadKind,
  { placement = {}, memory_bytes: memoryBytes }: DeployRequest,
): Needs {
  const own = kind === "elf" ? { "nex.arch": nodeTags(context, false)["nex.arch"]! } : {};
  const tags = { ...own, ...placement.tags };
  return {
    kind,
    ...(placement.node === undefined ? {} : { node: placement.node }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  };
}
