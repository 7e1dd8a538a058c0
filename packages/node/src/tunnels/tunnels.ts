import type { Socket } from "node:net";
import { type ByteStream, type IncomingCall, joinSocket, type Link, MAX_TUNNELS, serveMethod, tunnel } from "@nex/link";
import { NexError, parseDestination } from "@nex/protocol";
import { RateLimit } from "@nex/system";
import { dial } from "./dial.ts";
import { Resolver } from "./resolver.ts";

/** Lines about failed connections in a workload's log: a service that retries in a loop must not fill it. */
const NOTES_PER_SECOND = 0.2;
const NOTE_BURST = 5;

export interface TunnelsOptions {
  /** The agent's. */
  readonly link: Link;
  /** What this deploy named, as `formatDestination` spells it. The sandbox may ask for nothing else. */
  readonly destinations: readonly string[];
  /** Takes lines for the workload's log. */
  readonly note: (text: string) => void;
}

/** The node's end of one sandbox's tunnels: opens the connections that its agent asks for, as long as the link lives. */
export function serveTunnels(options: TunnelsOptions): void {
  const tunnels = new Tunnels(options);
  serveMethod(options.link, tunnel, async ({ destination }, call) => {
    await tunnels.carry(destination, call);
    return null;
  });
}

class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #destinations: ReadonlySet<string>;
  readonly #resolver: Resolver = new Resolver();
  readonly #notes: RateLimit = new RateLimit(NOTES_PER_SECOND, NOTE_BURST);
  readonly #calls: Set<IncomingCall> = new Set();
  #untold = 0;

  constructor(options: TunnelsOptions) {
    this.#options = options;
    this.#destinations = new Set(options.destinations);
  }

  /** Resolves when both directions have ended. @throws NexError `tunnel_failed`, `overloaded`, `link_protocol` */
  async carry(destination: string, call: IncomingCall): Promise<void> {
    this.#checkNamed(destination);
    this.#checkRoom(destination);
    this.#calls.add(call);
    // From now on, so that it ends with the call even while there is no connection yet.
    const { stream } = call;
    try {
      const socket = await this.#dial(destination, call);
      await this.#join(destination, socket, stream, call);
    } finally {
      this.#calls.delete(call);
    }
  }

  /** An honest agent listens for nothing else. */
  #checkNamed(destination: string): void {
    if (this.#destinations.has(destination)) return;
    const shown = JSON.stringify(destination.slice(0, 80));
    const error = new NexError("link_protocol", `The agent asks for a tunnel to ${shown}, which no deploy named.`);
    this.#options.note(error.message);
    this.#options.link.close(error);
    throw error;
  }

  #checkRoom(destination: string): void {
    if (this.#calls.size >= MAX_TUNNELS) {
      // Calls that were withdrawn a moment ago have not had their turn to end.
      for (const call of this.#calls) if (!call.open) this.#calls.delete(call);
    }
    if (this.#calls.size < MAX_TUNNELS) return;
    const text = `The service has ${MAX_TUNNELS} connections open through its tunnels, which is as many as it may have.`;
    this.#note(`${text} Another one to ${destination} was refused.`);
    throw new NexError("overloaded", text);
  }

  async #dial(destination: string, call: IncomingCall): Promise<Socket> {
    try {
      return await dial(parseDestination(destination), this.#resolver.lookup, call.signal);
    } catch (cause) {
      if (call.open) this.#note((cause as Error).message);
      // What the name resolved to, and how it failed, is not for the sandbox.
      throw new NexError("tunnel_failed", "The destination cannot be reached.", { cause });
    }
  }

  async #join(destination: string, socket: Socket, stream: ByteStream, call: IncomingCall): Promise<void> {
    try {
      await joinSocket(socket, stream);
    } catch (cause) {
      if (call.open) this.#note(`The connection to ${destination} broke: ${(cause as Error).message}.`);
      throw new NexError("tunnel_failed", "The connection broke.", { cause });
    }
  }

  #note(text: string): void {
    if (!this.#notes.take()) {
      this.#untold++;
      return;
    }
    const more = this.#untold === 0 ? "" : ` (${this.#untold} more such lines were left out.)`;
    this.#untold = 0;
    this.#options.note(text + more);
  }
}
