import { type AgentMetadata, agentMetadata } from "@nex/link";
import { NexError } from "@nex/protocol";
import { exchange, SilenceError } from "./http-exchange.ts";

/** Where a virtual machine's metadata service is: Firecracker's, or the one that the node plays for QEMU. */
const MMDS: MmdsAddress = { host: "169.254.169.254", port: 80 };

/** Longest that the service knows, s. */
const TOKEN_TTL_S = 21_600;

/** Between looks for a document that is not there yet, ms. */
const PERIOD_MS = 100;

/**
 * Patience with one request, ms: at first and after every answer little, because a machine that was frozen in the
 * middle of a request waits this long after its resume; after each silence twice as much, for slow machines.
 */
const PATIENCE_MS = { least: 300, most: 4800 } as const;

export interface MmdsAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Waits until the metadata service (MMDS version 2) has the agent's document. A service that does not answer, or not
 * with the document, is asked again: the machine may have been started, saved or resumed at any moment.
 * @throws NexError `invalid_request` for a document that is no agent's; the signal's reason
 */
export async function waitForMmds(address: MmdsAddress = MMDS, signal?: AbortSignal): Promise<AgentMetadata> {
  let token: string | undefined;
  let patience: number = PATIENCE_MS.least;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const isNew = token === undefined;
      token ??= await fetchToken(address, patience);
      const { status, body } = await exchange(
        { ...address, method: "GET", path: "/nex", headers: { "X-metadata-token": token, Accept: "application/json" } },
        patience,
      );
      patience = PATIENCE_MS.least;
      if (status === 200) return parse(body);
      // Another service than the one that gave it out, after a resume; or it is too old.
      if (status === 401) {
        token = undefined;
        if (!isNew) continue;
      }
    } catch (error) {
      if (error instanceof NexError) throw error;
      if (error instanceof SilenceError) patience = Math.min(patience * 2, PATIENCE_MS.most);
    }
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  }
}

async function fetchToken(address: MmdsAddress, patience: number): Promise<string> {
  const { status, body } = await exchange(
    {
      ...address,
      method: "PUT",
      path: "/latest/api/token",
      headers: { "X-metadata-token-ttl-seconds": String(TOKEN_TTL_S) },
    },
    patience,
  );
  if (status !== 200) throw new Error(`The metadata service gives out no token: ${status} ${body}`);
  return body;
}

function parse(body: string): AgentMetadata {
  try {
    return agentMetadata.parse(JSON.parse(body));
  } catch (cause) {
    throw new NexError(
      "invalid_request",
      "The metadata service has a document for the agent that is not of its form.",
      {
        cause,
      },
    );
  }
}
