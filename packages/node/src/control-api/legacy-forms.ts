import { type Claims, LEGACY_CLAIMS_AGE_MS, NexError, rememberClaimsUntil, requestDigest } from "@nex/protocol";

/** Claims remembered at one time, some 150 bytes each. */
const MAX_REMEMBERED = 10_000;

/**
 * The request that each of 0.2.7's claims came with first. They say nothing about their request, so whoever sees one
 * that was refused could send the claims again around a request of its own.
 */
export class LegacyForms {
  /** Digests by id of the claims, oldest first. */
  readonly #known: Map<string, { readonly digest: string; readonly until: number }> = new Map();

  /** @throws NexError `claims_replayed` */
  check(claims: Claims, body: unknown): void {
    const digest = requestDigest(body);
    const known = this.#known.get(claims.id);
    if (known !== undefined) {
      if (known.digest === digest) return;
      throw new NexError(
        "claims_replayed",
        "These workload claims came before with another request. Sign the request again: each needs claims of its own.",
      );
    }
    const now = Date.now();
    // Those that are too old by then are refused for that.
    const until = Math.min(rememberClaimsUntil(claims), now + 2 * LEGACY_CLAIMS_AGE_MS);
    this.#known.set(claims.id, { digest, until });
    for (const [id, oldest] of this.#known) {
      if (oldest.until > now && this.#known.size <= MAX_REMEMBERED) break;
      this.#known.delete(id);
    }
  }
}
