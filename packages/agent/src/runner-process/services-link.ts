import type { Socket } from "node:net";
import { decodeError, FrameReader, FrameType, FrameWriter, hello, LINK_VERSION } from "@nex/link";
import { NexError } from "@nex/protocol";

/** Id of the hello's call; the runner counts its own from the next one on. */
const HELLO_ID = 1;

const LARGEST_GREETING = 64 * 1024;

/**
 * Makes `socket`, which a runner has inherited, a link to the node on which it can wait: says hello on it, and has
 * reads and writes block. A runner that waits for a host service has no event loop to do either with. Blocking is a
 * matter of the connection, not of the descriptor, so the runner's copy follows; ours is closed.
 *
 * @throws NexError that of the node
 */
export async function openServicesLink(socket: Socket, token: string, deadlineMs: number): Promise<void> {
  const late = setTimeout(() => socket.destroy(), deadlineMs);
  try {
    await sayHello(socket, token);
    block(socket);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

/** Without this, which is no documented part of Node, the runner would have to look for its answers every millisecond. */
function block(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { setBlocking?: (isOn: boolean) => number } };
  handle?.setBlocking?.(true);
}

async function sayHello(socket: Socket, token: string): Promise<void> {
  const reader = new FrameReader(LARGEST_GREETING);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = (chunk: Buffer): void => {
    try {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        if (frame.type === FrameType.reply) resolve();
        else reject(decodeError(frame.body));
      }
    } catch (error) {
      reject(error);
    }
  };
  const lost = (): void => reject(new NexError("link_closed", "The node closed the link during its hello."));
  socket.on("error", lost);
  socket.once("close", lost);
  socket.on("data", read);
  const body = Buffer.from(JSON.stringify({ token, role: "services", version: LINK_VERSION }));
  new FrameWriter(socket).write(FrameType.call, 0, hello.code, HELLO_ID, body);
  socket.resume();
  await promise;
  socket.pause();
}
