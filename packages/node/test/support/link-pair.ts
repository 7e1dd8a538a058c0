import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Link } from "@nex/link";
import { temporaryDirectory } from "@nex/testing";

export interface LinkPair extends AsyncDisposable {
  /** The node's end of a link. */
  readonly node: Link;
  /** The other, which may do what it likes. */
  readonly guest: Link;
}

export async function linkPair(): Promise<LinkPair> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "s");
  const server = createServer().listen(path);
  await once(server, "listening");
  const dialled = connect(path);
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(dialled, "connect")])) as [
    [Socket],
    unknown,
  ];
  server.close();
  const node = new Link(accepted);
  const guest = new Link(dialled);
  return {
    node,
    guest,
    async [Symbol.asyncDispose]() {
      node.close();
      await Promise.all([node.gone, guest.gone]);
    },
  };
}
