import type { NodeConfig } from "../config/node-config.ts";
import type { SandboxConfig, SandboxPrograms } from "./sandbox.ts";

/** What of a node's config is for its sandboxes. */
export function sandboxConfig(
  { limits, share_network, image_directory, firecracker }: NodeConfig,
  { bubblewrap }: Pick<SandboxPrograms, "bubblewrap">,
): SandboxConfig {
  const { memory, cpus, processes, disk } = limits;
  return {
    limits: { memoryBytes: memory, processes, ...(cpus === undefined ? {} : { cpus }) },
    diskBytes: disk,
    shareNetwork: share_network,
    imageDirectory: image_directory,
    bubblewrap,
    firecracker,
  };
}
