import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { joinSocket } from "@nex/link";
import { linkPair } from "./link-pair.ts";

export const METHOD = 40;

export interface TcpTunnel extends AsyncDisposable {
  /** One end: what a program in a sandbox holds. */
  readonly inside: Socket;
  /** The other: what the program it talks to holds. */
  readonly outside: Socket;
}

/** Two TCP connections whose inner ends are joined to one call of a link. */
export async function tcpTunnel(): Promise<TcpTunnel> {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await linkPair());
  const [inside, left] = await connectedSockets(stack);
  const [outside, right] = await connectedSockets(stack);
  pair.right.handle(METHOD, (call) => {
    void joinSocket(right, call.stream).then(
      () => call.reply(),
      (error) => call.fail(error),
    );
  });
  const withdraw = new AbortController();
  const { stream, reply } = pair.left.open(METHOD, undefined, { signal: withdraw.signal });
  reply.catch(() => undefined);
  joinSocket(left, stream).catch((error: unknown) => withdraw.abort(error));
  const owned = stack.move();
  return { inside, outside, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** Both ends of a TCP connection; either may end its direction alone. */
export async function connectedSockets(stack: AsyncDisposableStack): Promise<[Socket, Socket]> {
  const server: Server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const dialled = connect({ ...(server.address() as { port: number }), host: "127.0.0.1", allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(dialled, "connect")])) as [
    [Socket],
    unknown,
  ];
  server.close();
  for (const socket of [dialled, accepted]) {
    stack.defer(() => void socket.destroy());
    // A reset is what some tests wait for, by the close that follows it.
    socket.on("error", () => undefined);
  }
  return [dialled, accepted];
}
