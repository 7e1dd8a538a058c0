import { readRevision } from "./records.ts";
import type { Registry } from "./registry.ts";

/** Hashes of all artifacts that a node of the nexus may need again, also one that is down. @throws NexError `jetstream_unavailable` */
export async function neededArtifacts(registry: Registry): Promise<string[]> {
  return (await registry.list("revision.>")).flatMap(({ key, bytes }) => {
    try {
      return [readRevision(key, bytes).artifact.sha256];
    } catch {
      // Whoever is to run it says what is wrong with it.
      return [];
    }
  });
}
