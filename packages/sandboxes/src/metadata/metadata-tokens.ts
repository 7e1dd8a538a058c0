import { randomBytes } from "node:crypto";

/** Bounds of a token's life, s. */
export const TOKEN_TTL_S = { least: 1, most: 21_600 } as const;

/** An agent needs one. A guest that asks for more loses its oldest. */
const MOST_TOKENS = 64;

/** The tokens that a metadata server has given out. */
export class MetadataTokens {
  /** Until when each is good, ms of the monotonic clock; oldest first. */
  readonly #expiries: Map<string, number> = new Map();

  /** @param ttl text of the header */
  issue(ttl: string): string | undefined {
    const seconds = Number(ttl);
    if (!/^\d{1,6}$/.test(ttl) || seconds < TOKEN_TTL_S.least || seconds > TOKEN_TTL_S.most) return undefined;
    const token = randomBytes(32).toString("base64url");
    this.#expiries.set(token, performance.now() + seconds * 1000);
    const [oldest] = this.#expiries.keys();
    if (this.#expiries.size > MOST_TOKENS && oldest !== undefined) this.#expiries.delete(oldest);
    return token;
  }

  accepts(token: string): boolean {
    return (this.#expiries.get(token) ?? 0) > performance.now();
  }
}
