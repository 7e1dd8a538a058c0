import { createReadStream } from "node:fs";
import type { ArtifactReply, IncomingCall } from "@nex/link";
import { NexError } from "@nex/protocol";

export interface ArtifactFile {
  readonly path: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** The artifact of the deploy under way, for the one time that its sandbox asks for it. */
export class ArtifactDownload {
  #file: ArtifactFile | undefined;

  #isTaken = false;

  /** The sandbox has asked for the artifact: from then on the workload may be what ends it. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  allow(file: ArtifactFile): void {
    this.#file = file;
  }

  /** To an honest agent this happens once; each time costs a descriptor, so it is not for asking again and again. */
  async send({ stream }: IncomingCall): Promise<ArtifactReply> {
    const file = this.#file;
    if (file === undefined) throw new NexError("artifact_missing", "No deploy is under way in this sandbox.");
    this.#file = undefined;
    this.#isTaken = true;
    try {
      for await (const chunk of createReadStream(file.path, { highWaterMark: 256 * 1024 }))
        await stream.write(chunk as Buffer);
    } catch (cause) {
      // The cause names a path of the node's, which is not for the sandbox.
      throw new NexError("artifact_missing", "The node could not read the artifact.", { cause });
    }
    stream.end();
    return { size: file.size, sha256: file.sha256 };
  }
}
