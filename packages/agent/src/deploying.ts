/**
 * What a deploy takes and an agent's hello does not. Loaded by itself, once the agent is ready: hashing, files and
 * providers take a third of the time in which an agent starts.
 */
export { pullArtifact } from "./artifact.ts";
export { providerFor } from "./providers/registry.ts";
export { Tunnels } from "./tunnels/tunnels.ts";
