import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { artifact, decode, type DeployOrder, type Link } from "@nex/link";
import { NexError } from "@nex/protocol";

/** Time for the whole transfer, ms. The node keeps its own, shorter deadline for the deploy. */
const PULL_DEADLINE_MS = 120_000;

/**
 * Pulls the artifact of a deploy from the node into `path`, hashing as it writes. Nothing of it is in memory
 * but the chunk at hand.
 * @throws NexError `artifact_corrupt` when the bytes are not the ones that were signed
 */
export async function pullArtifact(link: Link, order: DeployOrder, path: string, signal: AbortSignal): Promise<void> {
  const withdraw = new AbortController();
  const { reply, stream } = link.open(artifact.code, Buffer.from("null"), {
    deadlineMs: PULL_DEADLINE_MS,
    signal: AbortSignal.any([signal, withdraw.signal]),
  });
  // Whatever goes wrong shows in the stream first; the reply's own rejection adds nothing then.
  reply.catch(() => undefined);
  const hash = createHash("sha256");
  let size = 0;
  try {
    await using file = await open(path, "wx", 0o500);
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > order.size) {
        throw new NexError(
          "artifact_corrupt",
          `The artifact has more than the ${order.size} bytes that were signed. Upload it again.`,
          { data: { size } },
        );
      }
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    decode(artifact.name, artifact.reply, await reply);
    const found = hash.digest("hex");
    if (size !== order.size || found !== order.sha256) {
      throw new NexError(
        "artifact_corrupt",
        `The artifact has SHA-256 ${found} and ${size} bytes, but ${order.sha256} and ${order.size} bytes were signed. Upload it again.`,
        {
          data: { sha256: found, size },
        },
      );
    }
  } catch (error) {
    withdraw.abort(error);
    await rm(path, { force: true });
    throw error;
  }
}
