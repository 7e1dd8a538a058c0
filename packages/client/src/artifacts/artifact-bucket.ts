import { Objm, type ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { natsError } from "../requests/nats-errors.ts";

/** Object store of all artifacts; the objects' names are their SHA-256. */
export const ARTIFACT_BUCKET = "nex_artifacts";

/** Room in a store that no node of ours has made yet: what a node takes where its config says nothing else. */
const DEFAULT_MAX_BYTES = 2 ** 30;

/** Opens the store; makes it where only Go nodes run, which bring none of their own. @throws NexError `jetstream_unavailable` */
export async function openArtifactBucket(connection: NatsConnection): Promise<ObjectStore> {
  try {
    return await new Objm(connection).create(ARTIFACT_BUCKET, {
      description: "Artifacts of Nex workloads, by SHA-256",
      max_bytes: DEFAULT_MAX_BYTES,
    });
  } catch (error) {
    throw natsError(error, "$JS.API.>");
  }
}
