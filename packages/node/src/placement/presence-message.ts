import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { WORKLOAD_KINDS, type ExchangeKey } from "@nex/protocol";
import { z } from "zod";
import type { NodeOffer } from "./node-offer.ts";

/** What a node tells the others again and again. */
export interface PresenceMessage {
  readonly id: string;
  /** Random, from the node's start. */
  readonly boot: string;
  /** Counts the messages since then, so that an old one is known for what it is. */
  readonly count: number;
  readonly offer: NodeOffer;
  /** It stops in order: nothing more is given to it. */
  readonly isLeaving: boolean;
}

/** Far above what a node with many tags says. */
const MAX_BYTES = 64 * 1024;

const text = z.string().min(1).max(256);
const size = z.number().nonnegative();
const schema = z.object({
  id: text,
  boot: text,
  count: z.int().nonnegative(),
  offer: z.object({
    kinds: z.array(z.enum(WORKLOAD_KINDS)).max(100),
    tags: z.record(z.string(), z.string()),
    cpus: z.number().positive(),
    memoryFree: size,
    instances: size,
    places: size.exactOptional(),
    isLameDuck: z.boolean(),
  }),
  isLeaving: z.boolean(),
});

/** Signs and checks presence messages by the nexus key, so that nobody else can keep a dead node alive or make one up. */
export class PresenceCodec {
  readonly #key: Buffer;

  constructor(nexusKey: ExchangeKey) {
    this.#key = Buffer.from(hkdfSync("sha256", nexusKey.seed, "", "nex presence v1", 32));
  }

  encode(message: PresenceMessage): Uint8Array {
    const body = Buffer.from(JSON.stringify(message));
    return Buffer.concat([this.#sign(body), body]);
  }

  /** `undefined` for what nobody with the key has written. */
  decode(bytes: Uint8Array): PresenceMessage | undefined {
    if (bytes.length > MAX_BYTES || bytes.length <= 32) return undefined;
    const body = bytes.subarray(32);
    if (!timingSafeEqual(this.#sign(body), bytes.subarray(0, 32))) return undefined;
    try {
      const parsed = schema.safeParse(JSON.parse(Buffer.from(body).toString()));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }

  #sign(body: Uint8Array): Buffer {
    return createHmac("sha256", this.#key).update(body).digest();
  }
}
