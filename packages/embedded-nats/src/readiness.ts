import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import type { ServerLog } from "./server-log.ts";
import type { ServerProcess } from "./server-process.ts";
import type { UserCredentials } from "./server-config.ts";

/** A store of many gigabytes is read through before the server listens. */
const START_MS = 120_000;
const LOGIN_MS = 5_000;
const ATTEMPT_MS = 2_000;

/**
 * Waits until the server answers its node and JetStream is ready.
 *
 * @throws NexError `nats_server_failed` with the server's own error, `jetstream_unavailable`
 */
export async function serverReady(
  url: string,
  node: UserCredentials,
  server: ServerProcess,
  log: ServerLog,
): Promise<void> {
  const connection = await login(url, node, server, START_MS);
  if (connection === undefined) {
    await log.read();
    const [how, why] = server.running
      ? [`did not answer on ${url} within ${START_MS / 1000} s`, log.lastError()]
      : [`ended with ${await server.exited}`, log.lastError()];
    throw new NexError("nats_server_failed", `The embedded nats-server ${how}${why === undefined ? "." : `: ${why}`}`, {
      data: { url, log: log.tail().map((line) => line.text) },
    });
  }
  try {
    await jetStreamReady(connection);
  } finally {
    await connection.close();
  }
}

/**
 * Waits until a user just made can log in.
 *
 * @throws NexError `nats_server_failed`
 */
export async function userReady(
  url: string,
  user: UserCredentials,
  server: ServerProcess,
  log: ServerLog,
): Promise<void> {
  // A reload takes a millisecond or two; an attempt before it is over would leave an error in the server's log.
  await sleep(10);
  const connection = await login(url, user, server, LOGIN_MS);
  if (connection !== undefined) {
    await connection.close();
    return;
  }
  await log.read();
  throw new NexError(
    "nats_server_failed",
    `The embedded nats-server did not take over the user "${user.user}": ${log.lastError() ?? "it gave no reason"}`,
    {
      data: { url, user: user.user },
    },
  );
}

/** Logs in as soon as that works; `undefined` once the server has ended or time is up. */
async function login(
  url: string,
  { user, password }: UserCredentials,
  server: ServerProcess,
  withinMs: number,
): Promise<NatsConnection | undefined> {
  const end = performance.now() + withinMs;
  for (let pause = 5; server.running && performance.now() < end; pause = Math.min(pause * 2, 200)) {
    try {
      return await connect({
        servers: url,
        user,
        pass: password,
        reconnect: false,
        timeout: ATTEMPT_MS,
        name: "nex readiness",
      });
    } catch {
      await Promise.race([sleep(pause), server.exited]);
    }
  }
  return undefined;
}

async function jetStreamReady(connection: NatsConnection): Promise<void> {
  let reason: string;
  try {
    const reply = await connection.request("$JS.API.INFO", "", { timeout: START_MS });
    const { error } = reply.json<{ error?: { description?: string } }>();
    if (error === undefined) return;
    reason = error.description ?? "it gave no reason";
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new NexError("jetstream_unavailable", `JetStream did not start on the embedded nats-server: ${reason}.`);
}
