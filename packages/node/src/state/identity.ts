import { readFile } from "node:fs/promises";
import { ExchangeKey, NexError, SigningKey } from "@nex/protocol";

/** Who a node is: made afresh at every start, except for the key it shares with the other nodes of its nexus. */
export interface NodeIdentity {
  /** Public key `N…`. */
  readonly nodeId: string;
  readonly nexus: string;
  /** Environments are sealed to its public half. */
  readonly exchangeKey: ExchangeKey;
}

/**
 * @param keyFile holds the seed of the nexus's exchange key; a node on its own makes one
 * @throws NexError `file_not_found`, `invalid_request`
 */
export async function loadIdentity(nexus: string, keyFile: string | undefined): Promise<NodeIdentity> {
  const exchangeKey = keyFile === undefined ? ExchangeKey.create() : ExchangeKey.fromSeed(await readSeed(keyFile));
  return { nodeId: SigningKey.create("server").publicKey, nexus, exchangeKey };
}

async function readSeed(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw new NexError("file_not_found", `The nexus key file ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
      data: { path },
    });
  }
}
