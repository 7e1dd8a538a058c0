import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { NexError } from "@nex/protocol";
import { GUEST_NETWORK } from "../vm/guest-network.ts";
import { namespacePath } from "./network-namespace.ts";
import { startProcess } from "../start-process.ts";
import { systemTool } from "./system-tool.ts";

/** A network namespace belongs to a process, so another one opens the socket there and hands it over. */
const HELPER = `
const server = require("node:net").createServer();
server.on("error", (error) => process.send({ error: error.message }));
server.listen(${GUEST_NETWORK.linkPort}, "${GUEST_NETWORK.node}", () => process.send({}, server));
process.on("disconnect", () => process.exit());
`;

/** Starting a Node takes tenths of a second; nothing that takes longer than this will come, ms. */
const LIMIT_MS = 20_000;

/**
 * Listens for the guest of a namespace. The socket is this process's own: the helper that opened it has ended.
 * @throws NexError `sandbox_failed`
 */
export async function listenInNamespace(name: string, onConnection: (socket: Socket) => void): Promise<Server> {
  const command = [`--net=${namespacePath(name)}`, "--", process.execPath, "-e", HELPER];
  const helper = await startProcess(systemTool("nsenter"), command, {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: {},
  });
  const ended = once(helper, "exit");
  ended.catch(() => undefined);
  try {
    const [message, server] = (await Promise.race([
      once(helper, "message", { signal: AbortSignal.timeout(LIMIT_MS) }),
      ended.then(([code, signal]) => [{ error: `its helper ended (${String(code ?? signal)})` }]),
    ])) as [{ readonly error?: string }, Server | undefined];
    if (server === undefined) throw new Error(message.error ?? "its helper sent no socket");
    server.on("connection", onConnection);
    return server;
  } catch (cause) {
    helper.kill("SIGKILL");
    throw new NexError("sandbox_failed", `The link of a machine cannot be listened on: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    if (helper.connected) helper.disconnect();
    await ended.catch(() => undefined);
  }
}
