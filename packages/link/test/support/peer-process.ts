import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Link, type LinkOptions } from "@nex/link";
import { temporaryDirectory } from "@nex/testing";

/** Methods of the peer in `fixtures/peer.ts`. */
export const PeerMethod = {
  /** Answers with the body. */
  echo: 40,
  /** Blocks its event loop for as many ms as the body says, then answers. */
  block: 41,
  /** Never answers. */
  wait: 42,
} as const;

export interface PeerProcess extends AsyncDisposable {
  readonly link: Link;
}

/** A link to a peer in a process of its own, so that its event loop may stand still. */
export async function peerProcess(options: LinkOptions = {}): Promise<PeerProcess> {
  await using directory = await temporaryDirectory("nex-link-");
  const path = join(directory.path, "s");
  const server = createServer().listen(path);
  await once(server, "listening");
  const program = join(import.meta.dirname, "..", "fixtures", "peer.ts");
  const child = spawn(process.execPath, ["--conditions=@nex/source", program, path], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const exited = once(child, "exit");
  const [socket] = (await once(server, "connection")) as [Socket];
  server.close();
  const link = new Link(socket, options);
  return {
    link,
    async [Symbol.asyncDispose]() {
      link.close();
      child.kill("SIGKILL");
      await exited;
    },
  };
}
