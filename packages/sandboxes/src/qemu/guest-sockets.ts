import { chmod, chown } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { LINK_SOCKET, openLinkSocket } from "../link-socket.ts";
import { MetadataServer } from "../metadata/metadata-server.ts";

/** The two sockets a guest's connections end at, in the machine's directory. */
export const GUEST_SOCKETS: { readonly link: string; readonly metadata: string } = {
  link: `link/${LINK_SOCKET}`,
  metadata: "link/metadata.sock",
};

export interface GuestSocketsOptions {
  /** The machine's directory. */
  readonly directory: string;
  /** The user that QEMU runs as; ours if `undefined`. */
  readonly uid: number | undefined;
  readonly onConnection: (socket: Socket) => void;
  /** The agent's metadata at this moment, or `undefined` for none. */
  readonly document: () => unknown;
}

/** All that a guest reaches: the node's end of its link, and its metadata. Makes the machine's directory. */
export async function openGuestSockets(options: GuestSocketsOptions): Promise<AsyncDisposable> {
  const { directory, uid, onConnection, document } = options;
  await using stack = new AsyncDisposableStack();
  const link = await openLinkSocket(directory, uid, onConnection);
  stack.defer(() => link.close());
  const metadata = join(directory, GUEST_SOCKETS.metadata);
  stack.use(await MetadataServer.listen({ document, socket: metadata }));
  await chmod(metadata, 0o600);
  if (uid !== undefined) await chown(metadata, uid, uid);
  // QEMU makes its monitor's socket there.
  await chmod(directory, 0o700);
  if (uid !== undefined) await chown(directory, uid, uid);
  return stack.move();
}
