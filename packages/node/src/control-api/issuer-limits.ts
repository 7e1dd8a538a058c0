import { NexError } from "@nex/protocol";
import { RateLimit } from "@nex/system";

/** Deploys, rollbacks and stops of one issuer: each starts or ends processes. */
const PER_SECOND = 20;
const BURST = 50;

/** Requests without a valid signature of somebody who may deploy. They are answered with their fault so often, then with `rate_limited`. */
const JUNK_PER_SECOND = 5;
const JUNK_BURST = 50;

/**
 * A share for each issuer that the operator has listed, so that no other takes it from them, and none for junk. Where
 * nobody is listed anybody can make any number of keys: all of them share one.
 */
export class IssuerLimits {
  readonly #listed: ReadonlyMap<string, RateLimit>;
  readonly #others: RateLimit = new RateLimit(PER_SECOND, BURST);
  readonly #junk: RateLimit = new RateLimit(JUNK_PER_SECOND, JUNK_BURST);

  constructor(listed: readonly string[]) {
    this.#listed = new Map(listed.map((issuer) => [issuer, new RateLimit(PER_SECOND, BURST)]));
  }

  /** Takes one request of an issuer whose signature was verified. @throws NexError `rate_limited` */
  take(issuer: string): void {
    const own = this.#listed.get(issuer);
    if ((own ?? this.#others).take()) return;
    const whom = own === undefined ? "of all issuers that its config does not list" : "of one issuer";
    throw new NexError(
      "rate_limited",
      `This node takes ${PER_SECOND} deploys, rollbacks and stops a second ${whom}. Wait a second and try again.`,
      { data: { issuer } },
    );
  }

  /** Runs a check; what fails it too often hears `rate_limited` instead of the reason. */
  orJunk<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      if (this.#junk.take()) throw error;
      throw new NexError(
        "rate_limited",
        "This node gets many requests whose signature or issuer it does not accept. Wait a second and try again.",
        { cause: error },
      );
    }
  }
}
