import { createServer } from "node:net";
import { once } from "node:events";
import { NexError } from "@nex/protocol";

/** The port NATS clients try when told nothing. */
const USUAL_PORT = 4222;

/**
 * A port that was free a moment ago: the one asked for, else the usual one, else any.
 *
 * @throws NexError `already_running` if the one asked for is taken, `nats_server_failed` if the host cannot be used
 */
export async function choosePort(host: string, asked: number | undefined): Promise<number> {
  if (asked !== undefined) {
    if ((await tryPort(host, asked)) === undefined) throw portTaken(host, asked);
    return asked;
  }
  const port = (await tryPort(host, USUAL_PORT)) ?? (await tryPort(host, 0));
  if (port === undefined) throw new NexError("nats_server_failed", `No free port is left on ${host}.`);
  return port;
}

export function portTaken(host: string, port: number): NexError {
  return new NexError(
    "already_running",
    `Port ${port} on ${host} is taken by another program. Stop that, or choose another port; without one, any free port is used.`,
    { data: { host, port } },
  );
}

async function tryPort(host: string, port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
    return (server.address() as { port: number }).port;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return undefined;
    throw new NexError(
      "nats_server_failed",
      `Nothing can listen on ${host}, port ${port}: ${message}. Choose another host or port.`,
      {
        data: { host, port },
        cause: error,
      },
    );
  } finally {
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  }
}
