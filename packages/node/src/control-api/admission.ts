import {
  checkClaims,
  checkRequestDigest,
  type Claims,
  type ClaimsExpectation,
  decodeClaims,
  isLegacyClaims,
  NexError,
  type SignedRequest,
} from "@nex/protocol";
import { IssuerLimits } from "./issuer-limits.ts";
import { LegacyForms } from "./legacy-forms.ts";
import type { ClaimsMemory } from "../state/claims-memory.ts";

/** Namespaces an issuer may use; `*` stands for all. */
export type Issuers = ReadonlyMap<string, readonly string[]>;

export interface AdmissionOptions {
  readonly nodeId: string;
  readonly nexus: string;
  /** Empty admits everyone. */
  readonly issuers: Issuers;
  readonly acceptLegacyClaims: boolean;
  readonly memory: ClaimsMemory;
  /** The node acts for its whole nexus: claims are used up there, not on this node alone. */
  readonly isFleet: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** What a stored deploy must have been signed for. */
export interface StoredExpectation {
  readonly namespace: string;
  readonly name: string;
  readonly sha256: string;
}

/** Decides whether signed claims allow what is asked. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #limits: IssuerLimits;
  readonly #legacyForms: LegacyForms = new LegacyForms();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#limits = new IssuerLimits([...options.issuers.keys()]);
  }

  get acceptsLegacyClaims(): boolean {
    return this.#options.acceptLegacyClaims;
  }

  /**
   * The first look at any request that carries claims: decodes them, verifies that their issuer signed them, over
   * this very request, and may act in the namespace.
   * @throws NexError `claims_invalid`, `claims_mismatch`, `claims_replayed`, `issuer_not_allowed`, `rate_limited`
   */
  decode({ request, body }: SignedRequest<{ readonly workload_jwt: string }>, namespace: string): Claims {
    const claims = this.#limits.orJunk(() => {
      const decoded = decodeClaims(request.workload_jwt);
      this.#checkIssuer(decoded, namespace);
      this.#checkBody(decoded, body);
      return decoded;
    });
    this.#limits.take(claims.issuer);
    return claims;
  }

  #checkBody(claims: Claims, body: unknown): void {
    if (this.acceptsLegacyClaims && isLegacyClaims(claims)) this.#legacyForms.check(claims, body);
    // Where they are not accepted, `check` says so.
    else if (!isLegacyClaims(claims)) checkRequestDigest(claims, body);
  }

  #checkIssuer(claims: Claims, namespace: string): void {
    const { issuers } = this.#options;
    if (issuers.size === 0) return;
    const namespaces = issuers.get(claims.issuer);
    if (namespaces?.some((allowed) => allowed === "*" || allowed === namespace) === true) return;
    const why =
      namespaces === undefined ? "is not among this node's issuers" : `may not use the namespace "${namespace}"`;
    throw new NexError(
      "issuer_not_allowed",
      `invalid workload issuer: ${claims.issuer} ${why}. Ask the node's operator to add it.`,
      {
        data: { issuer: claims.issuer, namespace },
      },
    );
  }

  /** Checks that claims were signed for this very request. @throws NexError `claims_mismatch`, `claims_expired`, `claims_invalid` */
  check(claims: Claims, expectation: Omit<ClaimsExpectation, "nexus" | "node" | "now" | "acceptLegacy">): void {
    const { nexus, nodeId, acceptLegacyClaims, startedAt } = this.#options;
    const now = Date.now();
    checkClaims(claims, { ...expectation, nexus, node: nodeId, now, acceptLegacy: acceptLegacyClaims });
    // A node has a new id after each start, and what it did under its old one is not known to it any more.
    const wholeSecond = Math.floor(startedAt / 1000) * 1000;
    if (claims.node !== undefined || isLegacyClaims(claims)) return;
    const early = claims.issuedAt < wholeSecond;
    // Used now and again after a start in between, they would count as issued after it.
    const ahead = claims.issuedAt > now;
    if (!early && !ahead) return;
    const when = early ? "were issued before this one started" : "are issued ahead of its clock";
    throw new NexError(
      "claims_expired",
      `The claims name no node and ${when}. Sign the request again, best for this very node; check the clocks of both machines.`,
      {
        data: {
          issued_at: new Date(claims.issuedAt).toISOString(),
          now: new Date(now).toISOString(),
          started_at: new Date(startedAt).toISOString(),
        },
      },
    );
  }

  /**
   * Checks a deploy that was admitted earlier and comes out of a bucket now: all but its time and its first use.
   * @throws NexError `issuer_not_allowed`, `claims_mismatch`, `claims_invalid`
   */
  recognize(claims: Claims, body: unknown, { namespace, name, sha256 }: StoredExpectation): void {
    const { nexus, nodeId, acceptLegacyClaims } = this.#options;
    this.#checkIssuer(claims, namespace);
    if (!isLegacyClaims(claims)) checkRequestDigest(claims, body);
    checkClaims(claims, {
      action: "deploy",
      namespace,
      name,
      sha256,
      nexus,
      // Whichever node of the nexus it was sent to: any may run it.
      node: claims.node ?? nodeId,
      now: claims.issuedAt,
      acceptLegacy: acceptLegacyClaims,
    });
  }

  /** Uses the claims up. The last check, so that a request refused for another reason can be sent again. @throws NexError `claims_replayed`, `jetstream_unavailable` */
  async use(claims: Claims): Promise<void> {
    await this.#options.memory.use(claims.id, this.#scope(claims));
  }

  /** The same for a stop, which goes ahead while JetStream takes no writes. @throws NexError `claims_replayed` */
  async useForStop(claims: Claims): Promise<void> {
    await this.#options.memory.useForStop(claims.id, this.#scope(claims));
  }

  /** 0.2.7's claims name neither node nor nexus: used once, they are used up for all who remember here. */
  #scope(claims: Claims): string {
    const { isFleet, nexus, nodeId } = this.#options;
    if (isLegacyClaims(claims)) return "";
    return isFleet ? `nexus ${nexus}` : nodeId;
  }
}
