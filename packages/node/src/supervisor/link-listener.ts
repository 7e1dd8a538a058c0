import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { agreeOnVersion, hello, Link, type LinkRole, serveMethod } from "@nex/link";
import { NexError } from "@nex/protocol";

/** A connection that has not said a valid hello by then is closed, ms. */
const HELLO_DEADLINE_MS = 5000;

/** A cancel may stay unacknowledged this long before the event loop at the other end counts as stuck, ms. A busy machine may take 200. */
const UNRESPONSIVE_MS = 500;

/** Connections of one sandbox that may be open without a hello. An honest one needs three at a time. */
const MAX_STRANGERS = 8;

/** Connections of one sandbox in all. An honest one has its agent's, two of its runner's, and those of runners that empty. */
const MAX_LINKS = 32;

/** Tokens of one role that wait for their hello; the oldest goes. An honest agent asks for one at a time. */
const MAX_OPEN_TOKENS = 8;

/** 128 KiB of text, of which JSON may write each character as six. */
const LARGEST_LOG_BATCH = 1024 * 1024;

export interface LinkListenerOptions {
  /** Largest message of the NATS server behind the triggers, bytes. */
  readonly maxPayload: number;
  readonly onAdmitted: (role: LinkRole, link: Link) => void;
  /** A hello was refused: a used or unknown token, a version we do not speak. */
  readonly onRefused: (error: NexError) => void;
  readonly onUnresponsive: (link: Link) => void;
  /** How much longer than on the bare machine an answer may take. */
  readonly patience: number;
  readonly invocationPrefix: () => string;
}

/** Lets in what runs in one sandbox: each connection must begin with a hello whose token we issued, once. */
export class LinkListener {
  readonly #options: LinkListenerOptions;
  readonly #tokens: Map<LinkRole, Buffer[]> = new Map();
  readonly #strangers: Set<Link> = new Set();
  readonly #links: Set<Link> = new Set();
  #isClosed = false;

  constructor(options: LinkListenerOptions) {
    this.#options = options;
  }

  /** A new token for one hello in this role. */
  issueToken(role: LinkRole): string {
    const token = randomBytes(32).toString("base64url");
    const open = this.#tokens.get(role) ?? [];
    open.push(digest(token));
    if (open.length > MAX_OPEN_TOKENS) open.shift();
    this.#tokens.set(role, open);
    return token;
  }

  readonly onConnection = (socket: Socket): void => {
    if (this.#isClosed || this.#strangers.size >= MAX_STRANGERS || this.#links.size >= MAX_LINKS) {
      socket.destroy();
      return;
    }
    const link = new Link(socket, {
      admitted: false,
      helloMethod: hello.code,
      // A batch of log records may be larger than a message on a server that carries only small ones.
      maxBody: Math.max(this.#options.maxPayload, LARGEST_LOG_BATCH) + 64 * 1024,
      unresponsiveMs: UNRESPONSIVE_MS * this.#options.patience,
      onUnresponsive: () => this.#options.onUnresponsive(link),
    });
    this.#strangers.add(link);
    this.#links.add(link);
    const timer = setTimeout(
      () => link.close(new NexError("link_protocol", "No hello came in time.")),
      HELLO_DEADLINE_MS * this.#options.patience,
    );
    void link.closed.then(() => {
      clearTimeout(timer);
      this.#strangers.delete(link);
      this.#links.delete(link);
    });
    serveMethod(link, hello, ({ token, role, version }) => {
      try {
        if (!this.#strangers.has(link)) throw new NexError("link_protocol", "The peer said hello twice.");
        const agreed = agreeOnVersion(version);
        this.#redeem(role, token);
        clearTimeout(timer);
        this.#strangers.delete(link);
        link.admit();
        const greeting = {
          version: agreed,
          max_payload: this.#options.maxPayload,
          invocation_prefix: this.#options.invocationPrefix(),
        };
        this.#options.onAdmitted(role, link);
        return greeting;
      } catch (error) {
        this.#options.onRefused(error as NexError);
        setImmediate(() => link.close(error as NexError));
        throw error;
      }
    });
  };

  /** Tokens of this role that wait for their hello are good for nothing any more. */
  revoke(role: LinkRole): void {
    this.#tokens.delete(role);
  }

  /** Closes everything that ever came in. */
  close(reason: NexError): void {
    this.#isClosed = true;
    this.#tokens.clear();
    for (const link of this.#links) link.close(reason);
  }

  #redeem(role: LinkRole, token: string): void {
    const open = this.#tokens.get(role) ?? [];
    const given = digest(token);
    const index = open.findIndex((known) => timingSafeEqual(known, given));
    if (index === -1)
      throw new NexError("link_token", `The hello's token is unknown, was used before, or is not one for a ${role}.`, {
        data: { role },
      });
    open.splice(index, 1);
  }
}

/** Compared instead of the token itself, so that all comparisons take equally long. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
