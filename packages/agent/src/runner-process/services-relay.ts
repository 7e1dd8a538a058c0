import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { decodeError, FrameReader, FrameType, FrameWriter, hello, LINK_VERSION } from "@nex/link";
import { NexError } from "@nex/protocol";

export interface ServicesRelayOptions {
  /** A new connection to the node, paused. */
  readonly dial: () => Promise<Socket>;
  readonly token: () => Promise<string>;
}

/** Id of the hello's call; the runner counts its own from 1 on, after the hello was answered. */
const HELLO_ID = 1;

/**
 * Joins a runner's socket pair to a link of its own to the node, once the runner first writes to it: functions that
 * never wait for a host service cost nothing. The runner's end blocks, which an inherited socket to the node would not;
 * that is why bytes pass through here.
 */
export function relayServices(pair: Duplex, options: ServicesRelayOptions): void {
  pair.on("error", () => undefined);
  pair.once("readable", () => {
    open(pair, options).catch(() => pair.destroy());
  });
}

async function open(pair: Duplex, { dial, token }: ServicesRelayOptions): Promise<void> {
  const [socket, fresh] = await Promise.all([dial(), token()]);
  socket.on("error", () => undefined);
  socket.on("close", () => pair.destroy());
  pair.on("close", () => socket.destroy());
  await sayHello(socket, fresh);
  pair.pipe(socket);
  socket.pipe(pair);
}

/** @throws NexError that of the node */
async function sayHello(socket: Socket, token: string): Promise<void> {
  const writer = new FrameWriter(socket);
  const body = Buffer.from(JSON.stringify({ token, role: "services", version: LINK_VERSION }));
  writer.write(FrameType.call, 0, hello.code, HELLO_ID, body);
  const reader = new FrameReader(64 * 1024);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = (chunk: Buffer): void => {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if (frame.type === FrameType.reply) resolve();
      else reject(decodeError(frame.body));
    }
  };
  const lost = (): void => reject(new NexError("link_closed", "The node closed the link during its hello."));
  socket.on("data", read);
  socket.once("close", lost);
  socket.resume();
  try {
    await promise;
  } finally {
    socket.pause();
    socket.off("data", read);
    socket.off("close", lost);
  }
}
