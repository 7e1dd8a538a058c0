import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { joinSocket, type Link, MAX_TUNNELS, tunnel } from "@nex/link";
import { type Destination, formatDestination, NexError, parseDestination } from "@nex/protocol";
import { loopbackAddresses } from "./addresses.ts";
import { addToHostsFile } from "./hosts-file.ts";

/** Connections of the workload's that the agent takes at once. The node refuses those beyond its own bound, and says so. */
const MAX_SOCKETS = 2 * MAX_TUNNELS;

export interface TunnelsOptions {
  readonly link: Link;
  /** `host:port` each. */
  readonly destinations: readonly string[];
  readonly hostsFile: string;
}

/** Destinations of the outside as they appear in this sandbox: listeners on loopback, whose connections go over the link. */
export class Tunnels {
  readonly #link: Link;
  readonly #servers: Server[] = [];
  readonly #sockets: Set<Socket> = new Set();

  private constructor(link: Link) {
    this.#link = link;
  }

  /** Resolves once every destination can be connected to. @throws NexError `deploy_failed` naming the one that cannot */
  static async open({ link, destinations, hostsFile }: TunnelsOptions): Promise<Tunnels> {
    const tunnels = new Tunnels(link);
    if (destinations.length === 0) return tunnels;
    const parsed = destinations.map(parseDestination);
    const addresses = loopbackAddresses(parsed);
    try {
      await writeNames(hostsFile, addresses);
      const places = new Map(parsed.map((each) => [`${addresses.get(each.host)}:${each.port}`, each]));
      for (const destination of places.values()) await tunnels.#listen(destination, addresses.get(destination.host)!);
      return tunnels;
    } catch (error) {
      await tunnels.close();
      throw error;
    }
  }

  /** Nothing can be connected to any more; what is open is cut off. */
  async close(): Promise<void> {
    const closed = this.#servers.map((server) => once(server, "close"));
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await Promise.all(closed);
  }

  async #listen(destination: Destination, address: string): Promise<void> {
    const name = formatDestination(destination);
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void this.#carry(name, socket));
    try {
      server.listen({ host: address, port: destination.port });
      await once(server, "listening");
    } catch (cause) {
      throw new NexError(
        "deploy_failed",
        `The destination ${name} cannot appear in the sandbox: its agent cannot listen on ${address}, port ${destination.port}: ${(cause as Error).message}.`,
        { cause, data: { destination: name } },
      );
    }
    // Of a connection that could not be taken; the workload sees it fail.
    server.on("error", () => undefined);
    this.#servers.push(server);
  }

  async #carry(destination: string, socket: Socket): Promise<void> {
    if (this.#sockets.size >= MAX_SOCKETS) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const withdraw = new AbortController();
    const order = Buffer.from(JSON.stringify({ destination }));
    const { reply, stream } = this.#link.open(tunnel.code, order, { signal: withdraw.signal });
    // What goes wrong shows in the stream, and the node has logged it.
    reply.catch(() => undefined);
    await joinSocket(socket, stream).catch((error: unknown) => withdraw.abort(error));
  }
}

async function writeNames(hostsFile: string, addresses: ReadonlyMap<string, string>): Promise<void> {
  try {
    await addToHostsFile(hostsFile, addresses);
  } catch (cause) {
    const names = [...addresses.keys()].join(", ");
    throw new NexError(
      "deploy_failed",
      `The destinations' names (${names}) cannot be written into ${hostsFile} of the sandbox: ${(cause as Error).message}.`,
      { cause },
    );
  }
}
