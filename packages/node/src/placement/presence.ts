import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { controlSubjects, type ExchangeKey } from "@nex/protocol";
import { fleetSubjects } from "../fleet-subjects.ts";
import type { FleetNode, NodeOffer } from "./node-offer.ts";
import { PresenceCodec, type PresenceMessage } from "./presence-message.ts";

/** Every node says that it is there so often, ms; less often where there are many, or where they are given more time. */
const MAX_BEAT_MS = 1000;
const BEAT_PER_NODE_MS = 10;

/** A node counts as there while it was heard of within so many beats. */
const BEATS_HEARD = 4;

/** After so many all that are there have been heard. */
const BEATS_TO_KNOW = 2;

/** A node that is silent has so long to answer when it is asked, ms. */
const PROBE_MS = 500;

/** Nodes of other nexuses, and those that keep nothing, are told of to clients; more are not remembered. */
const MAX_STRANGERS = 10_000;

export interface PresenceOptions {
  readonly connection: NatsConnection;
  readonly nexus: string;
  readonly id: string;
  readonly key: ExchangeKey;
  readonly offer: () => NodeOffer;
  /** A node that is silent for so long is dead, ms. */
  readonly failoverMs: number;
  /** Nodes have come, gone or changed what they offer. */
  readonly onChange: () => void;
  /** A node has died. */
  readonly onLost: (id: string) => void;
  /** Another node uses this node's identity. */
  readonly onTwin: (boot: string) => void;
}

interface Known {
  readonly message: PresenceMessage | undefined;
  seenAt: number;
  state: "there" | "leaving" | "probed" | "dead";
}

/** Which nodes of the nexus are there: each says so again and again, and one that is silent and does not answer is dead. */
export class Presence implements AsyncDisposable {
  /** Another one with each start. Later starts sort after earlier ones. */
  readonly boot: string = `${Date.now().toString(36)}-${randomBytes(9).toString("base64url")}`;
  readonly #options: PresenceOptions;
  readonly #codec: PresenceCodec;
  readonly #nodes: Map<string, Known> = new Map();
  /** Starts of nodes that have been started again since. */
  readonly #pastBoots: Set<string> = new Set();
  readonly #strangers: Map<string, number> = new Map();
  readonly #closed: AbortController = new AbortController();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextBeatAt = 0;
  #count = 0;
  #isOffline = false;
  #isWelcoming = false;
  #openedAt = Infinity;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#codec = new PresenceCodec(options.key);
  }

  async open(): Promise<void> {
    const { connection } = this.#options;
    this.#subscription = connection.subscribe(fleetSubjects.presence("*", "*"), {
      callback: (error, { subject, data }) => {
        if (error === null) this.#hear(subject, data);
      },
    });
    this.#openedAt = performance.now();
    void this.#watchConnection();
    this.announce();
    this.#beat();
    await connection.flush();
  }

  /** The nodes of the nexus that are there, this one too. */
  nodes(): Map<string, FleetNode> {
    const { id, offer } = this.#options;
    const found = new Map<string, FleetNode>([[id, { id, offer: offer() }]]);
    const since = performance.now() - BEATS_HEARD * this.#beatMs;
    for (const [other, { message, state, seenAt }] of this.#nodes)
      if (message !== undefined && state === "there" && seenAt >= since)
        found.set(other, { id: other, offer: message.offer });
    return found;
  }

  /** Ids of all nodes that answer questions, of whichever nexus; `undefined` while this node has not listened for long. */
  everybody(): string[] | undefined {
    const { failoverMs } = this.#options;
    const now = performance.now();
    if (now - this.#openedAt < BEATS_TO_KNOW * MAX_BEAT_MS) return undefined;
    for (const [id, seenAt] of this.#strangers) if (now - seenAt >= failoverMs) this.#strangers.delete(id);
    return [...new Set([...this.nodes().keys(), ...this.#strangers.keys()])];
  }

  isDead(id: string): boolean {
    return this.#nodes.get(id)?.state === "dead";
  }

  isOtherStart(id: string, boot: string): boolean {
    if (id === this.#options.id) return boot !== this.boot;
    const known = this.#nodes.get(id);
    return known?.state === "dead" || (known?.message !== undefined && known.message.boot !== boot);
  }

  /** A node that holds something and has not been heard of: it counts as dead only after it was silent from now on. */
  expect(id: string): void {
    if (id === "" || id === this.#options.id || this.#nodes.has(id)) return;
    this.#nodes.set(id, { message: undefined, seenAt: performance.now(), state: "leaving" });
  }

  /** Tells the others at once, as when the offer has changed. */
  announce(isLeaving = false): void {
    const { connection, nexus, id, offer } = this.#options;
    if (connection.isClosed()) return;
    const message = { id, boot: this.boot, count: ++this.#count, offer: offer(), isLeaving };
    connection.publish(fleetSubjects.presence(nexus, id), this.#codec.encode(message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#closed.abort();
    this.#subscription?.unsubscribe();
    this.announce(true);
  }

  get #beatMs(): number {
    const { failoverMs } = this.#options;
    const wanted = Math.max(Math.min(MAX_BEAT_MS, failoverMs / 10), this.#nodes.size * BEAT_PER_NODE_MS);
    return Math.min(wanted, failoverMs / 4);
  }

  #beat(): void {
    const now = performance.now();
    const beatMs = this.#beatMs;
    // A process that stood still has heard nobody meanwhile, and that says nothing about them.
    const late = this.#nextBeatAt === 0 ? 0 : now - this.#nextBeatAt;
    if (late > beatMs) for (const known of this.#nodes.values()) known.seenAt += late;
    this.#nextBeatAt = now + beatMs;
    this.#timer = setTimeout(() => this.#beat(), beatMs);
    if (this.#isOffline) return;
    this.announce();
    this.#lookForSilence(now, beatMs);
  }

  #lookForSilence(now: number, beatMs: number): void {
    for (const [id, known] of this.#nodes) {
      const silentMs = now - known.seenAt;
      if (silentMs < this.#options.failoverMs + beatMs || known.state === "dead" || known.state === "probed") continue;
      known.state = "probed";
      void this.#probe(id, known);
    }
  }

  /** A node that still answers is not dead; the server knows at once of one whose connection has ended. */
  async #probe(id: string, known: Known): Promise<void> {
    const { connection, onLost, onChange } = this.#options;
    const answers = await connection.request(controlSubjects.ping(id), "", { timeout: PROBE_MS }).then(
      () => true,
      () => false,
    );
    const isHeard = answers || !(await this.#isConnected());
    if (this.#closed.signal.aborted || known.state !== "probed") return;
    // Whoever is cut off hears nobody, and that says nothing about the others.
    if (isHeard) {
      known.seenAt = performance.now();
      known.state = known.message === undefined || known.message.isLeaving ? "leaving" : "there";
      return;
    }
    known.state = "dead";
    onLost(id);
    onChange();
  }

  /** False where the server does not answer either. */
  async #isConnected(): Promise<boolean> {
    if (this.#isOffline) return false;
    const late = sleep(PROBE_MS, false, { signal: this.#closed.signal }).catch(() => false);
    return await Promise.race([
      this.#options.connection.flush().then(
        () => true,
        () => false,
      ),
      late,
    ]);
  }

  #hear(subject: string, data: Uint8Array): void {
    const { id, onTwin, onChange } = this.#options;
    const message = this.#codec.decode(data);
    const sender = subject.slice(subject.lastIndexOf(".") + 1);
    if (message === undefined || subject !== fleetSubjects.presence(this.#options.nexus, message.id)) {
      if (this.#strangers.size < MAX_STRANGERS && sender !== id) this.#strangers.set(sender, performance.now());
      return;
    }
    if (message.id === id) {
      if (message.boot !== this.boot && !this.#pastBoots.has(message.boot)) onTwin(message.boot);
      return;
    }
    const known = this.#nodes.get(message.id);
    const before = known?.message;
    if (this.#pastBoots.has(message.boot)) return;
    if (before?.boot === message.boot && message.count <= before.count) return;
    if (before !== undefined && before.boot !== message.boot) this.#pastBoots.add(before.boot);
    const state = message.isLeaving ? "leaving" : "there";
    this.#nodes.set(message.id, { message, seenAt: performance.now(), state });
    const isNew = before === undefined || before.boot !== message.boot;
    // A newcomer knows nobody yet.
    if (isNew && !message.isLeaving) void this.#welcome();
    if (isNew || known?.state !== state || !offersAlike(before.offer, message.offer)) onChange();
  }

  /** All answer a newcomer, but not all at one moment. */
  async #welcome(): Promise<void> {
    if (this.#isWelcoming) return;
    this.#isWelcoming = true;
    const { signal } = this.#closed;
    await sleep(Math.random() * this.#nodes.size, undefined, { signal }).catch(() => undefined);
    this.#isWelcoming = false;
    if (!signal.aborted) this.announce();
  }

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#options.connection.status()) {
      if (type === "disconnect") this.#isOffline = true;
      if (type !== "reconnect") continue;
      this.#isOffline = false;
      const now = performance.now();
      for (const known of this.#nodes.values()) {
        known.seenAt = Math.max(known.seenAt, now);
        // Who was asked over the old connection cannot answer any more.
        if (known.state === "probed") known.state = known.message === undefined ? "leaving" : "there";
      }
      this.announce();
    }
  }
}

/** In what decides where a slot may go; free memory changes all the time. */
function offersAlike(a: NodeOffer, b: NodeOffer): boolean {
  const key = ({ kinds, tags, isLameDuck, places }: NodeOffer): string =>
    JSON.stringify([kinds, tags, isLameDuck, places === undefined || places > 0]);
  return key(a) === key(b);
}
