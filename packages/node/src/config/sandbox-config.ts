import type { NodeConfig } from "./node-config.ts";
import type { SandboxConfig, SandboxPrograms } from "@nex/sandboxes";

/** What of a node's config is for its sandboxes. */
export function sandboxConfig(
  config: NodeConfig,
  { bubblewrap }: Pick<SandboxPrograms, "bubblewrap">,
  onWarning: (line: string) => void,
): SandboxConfig {
  const { limits, share_network, image_directory, cache_directory, qemu, firecracker } = config;
  const { memory, cpus, processes, disk } = limits;
  return {
    limits: { memoryBytes: memory, processes, ...(cpus === undefined ? {} : { cpus }) },
    diskBytes: disk,
    shareNetwork: share_network,
    imageDirectory: image_directory,
    cacheDirectory: cache_directory,
    onWarning,
    bubblewrap,
    firecracker,
    qemu,
  };
}
