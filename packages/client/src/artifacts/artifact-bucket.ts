import { Objm, type ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { ARTIFACT_BUCKET, ARTIFACT_BUCKET_DESCRIPTION, DEFAULT_ARTIFACT_QUOTA } from "@nex/protocol";
import { natsError } from "../requests/nats-errors.ts";

/** Opens the store; makes it where only Go nodes run, which bring none of their own. @throws NexError `jetstream_unavailable` */
export async function openArtifactBucket(connection: NatsConnection): Promise<ObjectStore> {
  try {
    return await new Objm(connection).create(ARTIFACT_BUCKET, {
      description: ARTIFACT_BUCKET_DESCRIPTION,
      max_bytes: DEFAULT_ARTIFACT_QUOTA,
    });
  } catch (error) {
    throw natsError(error, "$JS.API.>");
  }
}
