import { connect, type LookupFunction, type Socket } from "node:net";
import { type Destination, formatDestination, NexError } from "@nex/protocol";

/** From the look-up of the name to the connection, ms. */
const DIAL_MS = 10_000;

/** After this long without a byte the kernel asks whether the other side is still there, ms. */
const KEEP_ALIVE_MS = 60_000;

/** Opens a connection. @throws NexError `tunnel_failed`, whose message is for the workload's owner, not for the sandbox */
export async function dial(destination: Destination, lookup: LookupFunction, signal: AbortSignal): Promise<Socket> {
  const { host, port } = destination;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({
    host,
    port,
    lookup,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  const giveUp = (): void => reject(signal.reason);
  const timer = setTimeout(() => reject(new Error(`no connection within ${DIAL_MS / 1000} s`)), DIAL_MS);
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  socket.once("connect", () => resolve(socket));
  socket.on("error", reject);
  try {
    return await promise;
  } catch (cause) {
    socket.destroy();
    throw new NexError("tunnel_failed", `${formatDestination(destination)} cannot be reached: ${reasonOf(cause)}.`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

/** Of a name with several addresses each has its own failure. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
