import { type Claims, CLOCK_SKEW_MS, LEGACY_CLAIMS_AGE_MS, NexError, requestDigest } from "@nex/protocol";
import { BoundedMemory } from "../state/bounded-memory.ts";

/** Claims remembered at one time, some 150 bytes each. */
const MAX_REMEMBERED = 10_000;

/**
 * The request that each of 0.2.7's claims came with first. They say nothing about their request, so whoever sees one
 * that was refused could send the claims again around a request of its own.
 */
export class LegacyForms {
  /** Digests of requests by id of the claims, for as long as these count. */
  readonly #known: BoundedMemory<string> = new BoundedMemory(LEGACY_CLAIMS_AGE_MS + 2 * CLOCK_SKEW_MS, MAX_REMEMBERED);

  /** @throws NexError `claims_replayed` */
  check(claims: Claims, body: unknown): void {
    const digest = requestDigest(body);
    const known = this.#known.get(claims.id);
    if (known === undefined) this.#known.remember(claims.id, digest);
    else if (known !== digest) {
      throw new NexError(
        "claims_replayed",
        "These workload claims came before with another request. Sign the request again: each needs claims of its own.",
      );
    }
  }
}
