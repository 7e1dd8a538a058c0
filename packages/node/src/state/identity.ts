import { readFile } from "node:fs/promises";
import { ExchangeKey, NexError, SigningKey } from "@nex/protocol";
import { readKeptSeed, type StateDirectory } from "./state-directory.ts";

const EXCHANGE_SEED = "exchange.seed";

/** Who a node is: the same after each start where it keeps its state. */
export interface NodeIdentity {
  /** Public key `N…`. */
  readonly nodeId: string;
  readonly nexus: string;
  /** Environments are sealed to its public half. */
  readonly exchangeKey: ExchangeKey;
}

export interface IdentitySource {
  readonly nexus: string;
  /** Seed of the nexus's exchange key. Default: what the file holds. */
  readonly nexusKey: string | undefined;
  /** Holds that seed. Default: a node on its own makes one. */
  readonly nexusKeyFile: string | undefined;
  /** Keeps the keys; without it they are made afresh. */
  readonly state: StateDirectory | undefined;
}

/** @throws NexError `file_not_found`, `invalid_request`, `state_unusable` */
export async function loadIdentity({ nexus, nexusKey, nexusKeyFile, state }: IdentitySource): Promise<NodeIdentity> {
  const nodeKey = await keptSeed(state, "node.seed", () => SigningKey.create("server").seed);
  const exchangeSeed =
    nexusKey?.trim() ??
    (nexusKeyFile === undefined
      ? await keptSeed(state, EXCHANGE_SEED, () => ExchangeKey.create().seed)
      : await readSeed(nexusKeyFile));
  return { nodeId: SigningKey.fromSeed(nodeKey).publicKey, nexus, exchangeKey: ExchangeKey.fromSeed(exchangeSeed) };
}

/**
 * The seed of the key that the nodes of a nexus share, as a node with these settings would use it.
 * @throws NexError `file_not_found`, `state_unusable`, `invalid_request`
 */
export async function readNexusKey({
  nexusKey,
  nexusKeyFile,
  directory,
}: Pick<IdentitySource, "nexusKey" | "nexusKeyFile"> & { readonly directory: string }): Promise<string> {
  const given = nexusKey?.trim() ?? (nexusKeyFile === undefined ? undefined : await readSeed(nexusKeyFile));
  const seed = given ?? (await readKeptSeed(directory, EXCHANGE_SEED));
  return ExchangeKey.fromSeed(seed).seed;
}

async function keptSeed(state: StateDirectory | undefined, name: string, create: () => string): Promise<string> {
  return (await state?.seed(name, create)) ?? create();
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
