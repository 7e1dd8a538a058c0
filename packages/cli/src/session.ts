import { defaultIssuerPath, loadOrCreateIssuer, NexClient } from "@nex/client";
import type { CommandContext } from "./command.ts";
import { connectToNats } from "./connection/connect.ts";

export interface SessionOptions {
  /** Sign with the user's issuer key, which is made on first use. Default false: reading needs none. */
  readonly signs?: boolean;
  /** The command goes on for as long as the user wants, so a lost server is waited for. Default false. */
  readonly endless?: boolean;
}

/** Connects, does the work with a client for the user's namespace, and disconnects. */
export async function withClient<T>(
  ctx: CommandContext,
  options: SessionOptions,
  work: (nex: NexClient) => Promise<T>,
): Promise<T> {
  const { global, terminal } = ctx;
  const issuer = options.signs === true ? await loadOrCreateIssuer(defaultIssuerPath(terminal.env)) : undefined;
  const connection = await connectToNats(ctx.connection(), {
    name: "nex",
    ...(options.endless === true ? { maxReconnectAttempts: -1 } : { reconnect: false }),
  });
  try {
    await using nex = await NexClient.connect({
      connection,
      namespace: global.namespace,
      timeoutMs: global.timeoutMs,
      ...(issuer === undefined ? {} : { issuer }),
    });
    return await work(nex);
  } finally {
    await connection.close();
  }
}
