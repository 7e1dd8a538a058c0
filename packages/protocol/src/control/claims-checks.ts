import { NexError } from "../errors.ts";
import type { WorkloadKind } from "../workloads/names.ts";
import { type Claims, type ClaimsAction, LEGACY_HASH } from "./claims.ts";

/** What claims have to say to be acted on. */
export interface ClaimsExpectation {
  readonly action: ClaimsAction;
  /** Left out where the request itself names no workload. */
  readonly name?: string;
  readonly namespace: string;
  readonly nexus: string;
  readonly kind?: WorkloadKind;
  /** Lower-case hex SHA-256 of the artifact, where one is involved. */
  readonly sha256?: string;
  /** Public key of this node. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Admit claims as 0.2.7 signs them (`accept_legacy_claims`). Default false. */
  readonly acceptLegacy?: boolean;
}

/** {@link ClaimsExpectation} of a deploy, where nothing but the name may be left open. */
export interface DeployExpectation extends Omit<ClaimsExpectation, "action"> {
  readonly kind: WorkloadKind;
  readonly sha256: string;
}

/** How far the clocks of issuer and node may differ. */
export const CLOCK_SKEW_MS = 30_000;

/** 0.2.7's claims have no expiry, so their age is bounded instead, to 5 minutes; their ids are remembered as long. */
export const LEGACY_CLAIMS_AGE_MS = 300_000;

/** A day. Bounds how long a node must remember the id of used claims. */
export const MAX_CLAIMS_LIFETIME_MS = 86_400_000;

/**
 * Checks that decoded claims allow this very deploy. Replays and allowed issuers are the caller's to check,
 * because they need memory and config.
 *
 * @throws NexError `claims_mismatch`, `claims_expired`, `claims_invalid`
 */
export function checkDeployClaims(claims: Claims, expectation: DeployExpectation): void {
  checkClaims(claims, { ...expectation, action: "deploy" });
}

/** {@link checkDeployClaims} for any action. */
export function checkClaims(claims: Claims, expectation: ClaimsExpectation): void {
  if (isLegacyClaims(claims)) checkLegacy(claims, expectation);
  else checkBound(claims, expectation);
  checkTimes(claims, expectation.now);
}

/**
 * True for claims as 0.2.7 signs them: bound to nothing but the name. Their ids need to be remembered for
 * {@link LEGACY_CLAIMS_AGE_MS}, those of others until they expire.
 */
export function isLegacyClaims(claims: Claims): boolean {
  const { namespace, nexus, kind, action } = claims;
  return [namespace, nexus, kind, action].every((bound) => bound === undefined);
}

/** Until when used claims must be remembered, in milliseconds since 1970: after that they are refused anyway. */
export function rememberClaimsUntil(claims: Claims): number {
  const { issuedAt, expiresAt } = claims;
  // An expiry in legacy claims may be any time away; their age ends them first.
  const until = isLegacyClaims(claims) || expiresAt === undefined ? issuedAt + LEGACY_CLAIMS_AGE_MS : expiresAt;
  return until + CLOCK_SKEW_MS;
}

function checkBound(claims: Claims, expectation: ClaimsExpectation): void {
  for (const [what, signed, wanted] of [
    ["action", claims.action, expectation.action],
    ["name", claims.name, expectation.name],
    ["namespace", claims.namespace, expectation.namespace],
    ["nexus", claims.nexus, expectation.nexus],
    ["kind", claims.kind, expectation.kind],
    ["artifact", claims.hash, expectation.sha256],
  ] as const) {
    if (wanted !== undefined && signed !== wanted) throw mismatch(what, signed, wanted);
  }
  // The one binding an issuer may leave out: replicas and hand-over need claims for any node.
  if (claims.node !== undefined && claims.node !== expectation.node)
    throw mismatch("node", claims.node, expectation.node);
  if (claims.expiresAt === undefined)
    throw new NexError("claims_invalid", "The claims have no expiry (exp); sign them with one.");
  if (claims.expiresAt - claims.issuedAt > MAX_CLAIMS_LIFETIME_MS) {
    throw new NexError(
      "claims_invalid",
      "The claims are valid for more than 24 hours, longer than a node remembers that they were used; sign them for less.",
    );
  }
}

function checkLegacy(claims: Claims, expectation: ClaimsExpectation): void {
  if (expectation.acceptLegacy !== true || expectation.action === "rollback") {
    throw new NexError(
      "claims_mismatch",
      "The claims name neither namespace, nexus, kind nor action, as those of nex 0.2.7 do. Sign with this release's nex, or set accept_legacy_claims on the node.",
    );
  }
  if (expectation.name !== undefined && claims.name !== expectation.name)
    throw mismatch("name", claims.name, expectation.name);
  // Only a stop's claims have no hash: without this, those of an earlier deploy would stop a later one.
  const hash = expectation.action === "stop" ? undefined : expectation.sha256;
  const isPlaceholder = claims.hash === LEGACY_HASH && expectation.action === "deploy";
  if (claims.hash !== hash && !isPlaceholder) throw mismatch("artifact", claims.hash, hash);
  if (claims.node !== undefined && claims.node !== expectation.node)
    throw mismatch("node", claims.node, expectation.node);
  const age = expectation.now - claims.issuedAt;
  if (age > LEGACY_CLAIMS_AGE_MS) {
    throw expired(
      `were issued ${Math.round(age / 1000)} s ago; without an expiry they count for ${LEGACY_CLAIMS_AGE_MS / 1000} s`,
      claims,
      expectation.now,
    );
  }
}

function checkTimes(claims: Claims, now: number): void {
  if (claims.issuedAt > now + CLOCK_SKEW_MS) throw expired("were issued in the future", claims, now);
  if (claims.notBefore !== undefined && claims.notBefore > now + CLOCK_SKEW_MS)
    throw expired("are not valid yet", claims, now);
  if (claims.expiresAt !== undefined && claims.expiresAt < now - CLOCK_SKEW_MS)
    throw expired("are past their expiry", claims, now);
}

/**
 * Checks that the claims of a stop may end what the claims of a deploy started, as 0.2.7 does.
 *
 * 0.2.7 also refuses a stop issued in the same second as the deploy. Here that holds only for its own claims:
 * ours name their action, so a deploy's cannot pass for a stop's.
 *
 * @throws NexError `claims_replayed`, `claims_mismatch`, `issuer_not_allowed`
 */
export function checkStopClaims(stop: Claims, deploy: Claims): void {
  const sameSecond = stop.action === undefined && stop.issuedAt === deploy.issuedAt;
  if (stop.id === deploy.id || sameSecond) {
    throw new NexError(
      "claims_replayed",
      "Invalid stop request: stop claims appear to be cloned or captured from the original start claims. Rejecting for security reasons",
    );
  }
  if (stop.name !== deploy.name) {
    throw new NexError(
      "claims_mismatch",
      "Invalid stop request: stop claims subject does not match original start claims subject",
      { data: { signed: stop.name, expected: deploy.name } },
    );
  }
  if (stop.issuer !== deploy.issuer) {
    throw new NexError(
      "issuer_not_allowed",
      "Invalid stop request: the only entity allowed to terminate a workload is the issuer that originally started it",
      { data: { issuer: stop.issuer } },
    );
  }
}

function mismatch(what: string, signed: string | undefined, expected: string | undefined): NexError {
  const found = signed === undefined ? `name no ${what}` : `were signed for the ${what} "${signed}"`;
  const wanted = expected === undefined ? "which a stop's must not do" : `not "${expected}"`;
  return new NexError("claims_mismatch", `The claims ${found}, ${wanted}. Sign claims for exactly this request.`, {
    data: { what, ...(signed === undefined ? {} : { signed }), ...(expected === undefined ? {} : { expected }) },
  });
}

function expired(why: string, claims: Claims, now: number): NexError {
  return new NexError(
    "claims_expired",
    `The claims ${why}. Sign the request again; check the clocks of both machines.`,
    {
      data: {
        issued_at: isoTime(claims.issuedAt),
        now: isoTime(now),
        ...(claims.expiresAt === undefined ? {} : { expires_at: isoTime(claims.expiresAt) }),
      },
    },
  );
}

/** Claims can hold times beyond what a date can show. */
function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
}
