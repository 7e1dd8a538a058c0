import { once } from "node:events";
import { chmod, chown, mkdir } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { MetadataServer } from "../metadata/metadata-server.ts";

/** The two sockets a guest's connections end at, in the machine's directory. */
export const DOORS = { link: "doors/link.sock", metadata: "doors/metadata.sock" } as const;

export interface GuestDoorsOptions {
  /** The machine's directory. */
  readonly directory: string;
  /** The user that QEMU runs as; ours if `undefined`. */
  readonly uid: number | undefined;
  readonly onConnection: (socket: Socket) => void;
  /** The agent's metadata at this moment, or `undefined` for none. */
  readonly document: () => unknown;
}

/** All that a guest reaches: the node's end of its link, and its metadata. Makes the machine's directory. */
export async function openGuestDoors(options: GuestDoorsOptions): Promise<AsyncDisposable> {
  const { directory, uid, onConnection, document } = options;
  await using stack = new AsyncDisposableStack();
  const doors = join(directory, "doors");
  await mkdir(doors, { recursive: true });
  // Not as the mode of mkdir, from which the process's umask is taken. QEMU makes its monitor's socket in the upper
  // one; the lower one it can only walk through.
  await Promise.all([chmod(directory, 0o700), chmod(doors, 0o711)]);

  const link = createServer(onConnection);
  stack.defer(() => void link.close());
  link.listen(join(directory, DOORS.link));
  await once(link, "listening");
  stack.use(await MetadataServer.listen({ document, socket: join(directory, DOORS.metadata) }));

  for (const path of [DOORS.link, DOORS.metadata].map((name) => join(directory, name))) {
    await chmod(path, 0o600);
    if (uid !== undefined) await chown(path, uid, uid);
  }
  if (uid !== undefined) await chown(directory, uid, uid);
  return stack.move();
}
