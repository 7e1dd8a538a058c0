import { readFileSync } from "node:fs";
import { type AgentMetadata, agentMetadata } from "@nex/link";
import { NexError } from "@nex/protocol";

/** Where the node leaves the metadata of an agent it starts itself. An environment could be read by others of the same user. */
const METADATA_DESCRIPTOR = 3;

/** Reads the one document an agent starts from. @throws NexError `invalid_request` */
export function readDescriptor(descriptor: number = METADATA_DESCRIPTOR): AgentMetadata {
  try {
    return agentMetadata.parse(JSON.parse(readFileSync(descriptor, "utf8")));
  } catch (cause) {
    throw new NexError(
      "invalid_request",
      "The agent found no metadata on descriptor 3. Agents are started by a Nex node, never by hand.",
      { cause },
    );
  }
}
