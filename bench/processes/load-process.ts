/** Sends the requests and times them, the way an ordinary program would: one nats.js connection, `request()`. */
import { Kvm } from "@nats-io/kv";
import { connect, headers } from "@nats-io/transport-node";
import { quantile } from "../figures/spread.ts";
import { serveCommands } from "./serve-commands.ts";

/** Far longer than anything measured: a request that takes this long is a fault, ms. */
const TIMEOUT_MS = 10_000;

interface Load {
  readonly subject: string;
  /** Of each message. The answer must have as many. */
  readonly payloadBytes: number;
  readonly durationMs: number;
}

/** Milliseconds from request to reply. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface Throughput {
  readonly messages: number;
  readonly perSecond: number;
}

export type ServiceOperation = "kv_get" | "kv_put" | "request";

const [url = ""] = process.argv.slice(2);
const connection = await connect({ servers: url });
const options = { timeout: TIMEOUT_MS };

async function exchange(subject: string, payload: Uint8Array): Promise<void> {
  const reply = await connection.request(subject, payload, options);
  if (reply.data.length !== payload.length) {
    throw new Error(`Instead of an echo "${subject}" answered: ${reply.string().slice(0, 500)}`);
  }
}

const commands = {
  serverVersion: (): string => connection.info?.version ?? "unknown",

  /** One request, for whoever times it from outside. */
  request: async ({ subject, payloadBytes }: Omit<Load, "durationMs">): Promise<void> => {
    await exchange(subject, Buffer.alloc(payloadBytes, "a"));
  },

  /** So many requests at once, and how long each answer took, whatever it says, ms. */
  answers: async ({ subject, count }: { subject: string; count: number }): Promise<number[]> =>
    await Promise.all(
      Array.from({ length: count }, async () => {
        const began = performance.now();
        await connection.request(subject, undefined, options);
        return performance.now() - began;
      }),
    ),

  /** One request at a time. */
  sequential: async ({ subject, payloadBytes, durationMs }: Load): Promise<Latency> => {
    const payload = Buffer.alloc(payloadBytes, "a");
    const took: number[] = [];
    const end = performance.now() + durationMs;
    for (let began = performance.now(); began < end;) {
      await exchange(subject, payload);
      const now = performance.now();
      took.push(now - began);
      began = now;
    }
    const sorted = Float64Array.from(took).sort();
    return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  },

  /** The same calls that host services make, by a program that makes them itself. */
  service: async ({
    operation,
    durationMs,
  }: {
    operation: ServiceOperation;
    durationMs: number;
  }): Promise<{ p50: number; mean: number }> => {
    const payload = Buffer.alloc(128, "a");
    const kv = await new Kvm(connection).create("bench_plain", { max_bytes: 512 * 1024 });
    await kv.put("key", payload);
    const operations = {
      kv_get: async () => await kv.get("key"),
      kv_put: async () => await kv.put("key", payload),
      request: async () => await connection.request("bench.echo", payload, options),
    };
    const took: number[] = [];
    const start = performance.now();
    for (let began = start; began < start + durationMs;) {
      await operations[operation]();
      const now = performance.now();
      took.push(now - began);
      began = now;
    }
    const mean = (performance.now() - start) / took.length;
    return { p50: quantile(Float64Array.from(took).sort(), 0.5), mean };
  },

  /** One question to a function that measures by itself. */
  ask: async ({ subject, body }: { subject: string; body: unknown }): Promise<Record<string, number>> => {
    const reply = await connection.request(subject, JSON.stringify(body), options);
    const figures = reply.json<Record<string, number>>();
    if (typeof figures["calls"] !== "number") throw new Error(`"${subject}" answered: ${reply.string().slice(0, 500)}`);
    return figures;
  },

  /** So many messages at once with so many bytes of headers each, whose answers nobody waits for. */
  flood: async ({
    subject,
    count,
    headerBytes,
  }: {
    subject: string;
    count: number;
    headerBytes: number;
  }): Promise<void> => {
    const large = headers();
    large.set("padding", "x".repeat(headerBytes));
    for (let sent = 0; sent < count; sent++) {
      connection.publish(subject, "", { headers: large });
      await connection.flush();
    }
  },

  /** From now on answers each message with so many. */
  answer: async ({
    subject,
    count,
    payloadBytes,
  }: {
    subject: string;
    count: number;
    payloadBytes: number;
  }): Promise<void> => {
    const payload = Buffer.alloc(payloadBytes, "a");
    connection.subscribe(subject, {
      callback: (_, message) => {
        for (let sent = 0; sent < count; sent++) message.respond(payload);
      },
    });
    await connection.flush();
  },

  /** As many requests as fit while `inFlight` of them are always under way. */
  saturate: async ({
    subject,
    payloadBytes,
    durationMs,
    inFlight,
  }: Load & { inFlight: number }): Promise<Throughput> => {
    const payload = Buffer.alloc(payloadBytes, "a");
    let messages = 0;
    const began = performance.now();
    const end = began + durationMs;
    const lane = async (): Promise<void> => {
      while (performance.now() < end) {
        await exchange(subject, payload);
        messages++;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return { messages, perSecond: (messages / (performance.now() - began)) * 1000 };
  },
};
export type LoadCommands = typeof commands;

serveCommands(commands, async () => await connection.close());
