import { once } from "node:events";
import type { Socket } from "node:net";
import { NexError } from "@nex/protocol";
import type { ByteStream } from "./byte-stream.ts";

/**
 * Passes bytes between a socket and a call's stream until both directions have ended. The end of one direction is
 * passed on while the other goes on; who reads slowly holds back who writes. The socket must allow half-open
 * connections.
 * @throws what broke either of the two; the socket is reset then
 */
export async function joinSocket(socket: Socket, stream: ByteStream): Promise<void> {
  const closed = new AbortController();
  // Seen also by a direction that waits for the other side: without this it would wait for ever.
  const { promise: broken, reject } = Promise.withResolvers<never>();
  socket.once("error", reject);
  socket.once("close", () => {
    // It closes by itself once both directions have ended, while the last bytes may still be on their way to the stream.
    if (socket.readableEnded && socket.writableFinished) return;
    const reason = new NexError("tunnel_failed", "The connection was closed.");
    reject(reason);
    closed.abort(reason);
  });
  try {
    await Promise.race([Promise.all([send(socket, stream), receive(stream, socket, closed.signal)]), broken]);
  } catch (error) {
    socket.on("error", () => undefined);
    socket.resetAndDestroy();
    throw error;
  }
}

async function send(socket: Socket, stream: ByteStream): Promise<void> {
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) await stream.write(chunk);
  stream.end();
}

async function receive(stream: ByteStream, socket: Socket, signal: AbortSignal): Promise<void> {
  for await (const chunk of stream) {
    if (!socket.write(chunk)) await once(socket, "drain", { signal });
  }
  socket.end();
}
