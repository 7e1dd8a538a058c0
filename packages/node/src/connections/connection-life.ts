import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { LogLevel } from "@nex/protocol";

/** What is on its way out then still gets out, unless the server is away. */
const DRAIN_MS = 2_000;

/** Sends what is still to send, then closes. */
export async function closeConnection(connection: NatsConnection): Promise<void> {
  if (connection.isClosed()) return;
  const timer = new AbortController();
  const late = sleep(DRAIN_MS, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([connection.drain().catch(() => undefined), late]);
  timer.abort();
  await connection.close();
}

/** Logs what happens to a connection, for as long as it lives. */
export function logStatus(
  connection: NatsConnection,
  whose: string,
  log: (level: LogLevel, message: string) => void,
): void {
  void (async () => {
    for await (const status of connection.status()) {
      switch (status.type) {
        case "disconnect":
          log("warn", `The NATS connection of ${whose} to ${status.server} is lost; trying to get it back.`);
          break;
        case "reconnect":
          log("info", `The NATS connection of ${whose} is back, to ${status.server}.`);
          break;
        case "error":
          log("warn", `NATS to ${whose}: ${status.error.message}`);
          break;
        case "ldm":
          log("info", `The NATS server ${status.server} of ${whose} is about to stop.`);
          break;
        default:
          break;
      }
    }
  })();
}
