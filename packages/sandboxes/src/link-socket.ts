import { once } from "node:events";
import { chmod, chown, mkdir } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

/** The node's end of a sandbox's link: a Unix socket in a directory that holds nothing else. */
export interface LinkSocket {
  readonly directory: string;
  readonly path: string;
  close(): void;
}

/** Name of the socket in its directory. */
export const LINK_SOCKET = "node.sock";

/** @param uid the user that may connect; the node's own if `undefined` */
export async function openLinkSocket(
  parent: string,
  uid: number | undefined,
  onConnection: (socket: Socket) => void,
): Promise<LinkSocket> {
  const directory = join(parent, "link");
  const path = join(directory, LINK_SOCKET);
  const server: Server = createServer({ pauseOnConnect: false }, onConnection);
  try {
    await mkdir(directory, { recursive: true });
    // The sandbox's user must get through, but not list what lies there. Not as the mode of mkdir, from which the
    // process's umask is taken.
    await Promise.all([chmod(parent, 0o711), chmod(directory, 0o711)]);
    server.listen(path);
    await once(server, "listening");
    await chmod(path, 0o600);
    if (uid !== undefined) await chown(path, uid, uid);
    return { directory, path, close: () => void server.close() };
  } catch (error) {
    server.close();
    throw error;
  }
}
