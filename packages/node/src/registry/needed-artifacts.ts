import type { Bucket } from "../jetstream/bucket.ts";
import { readRevision } from "./records.ts";

/** Hashes of all artifacts that a node of the nexus may need again, also one that is down. @throws NexError `jetstream_unavailable` */
export async function neededArtifacts(bucket: Bucket): Promise<string[]> {
  return (await bucket.list("revision.>")).flatMap(({ key, bytes }) => {
    if (bytes === undefined) return [];
    try {
      return [readRevision(key, bytes).artifact.sha256];
    } catch {
      // Whoever is to run it says what is wrong with it.
      return [];
    }
  });
}
