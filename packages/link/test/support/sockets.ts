import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { temporaryDirectory } from "@nex/testing";

/** Two ends of one connection over a unix socket. */
export async function socketPair(): Promise<[accepted: Socket, dialled: Socket]> {
  await using directory = await temporaryDirectory("nex-link-");
  const server = createServer().listen(join(directory.path, "s"));
  try {
    await once(server, "listening");
    const dialled = connect(join(directory.path, "s"));
    const [[accepted]] = (await Promise.all([once(server, "connection"), once(dialled, "connect")])) as [
      [Socket],
      unknown,
    ];
    return [accepted, dialled];
  } finally {
    server.close();
  }
}
