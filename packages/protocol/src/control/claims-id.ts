import { createHash } from "node:crypto";
import { encodeBase32 } from "../keys/base32.ts";

/** The claims every JWT may have; times in UNIX seconds. */
export interface StandardClaims {
  readonly aud?: string;
  readonly exp?: number;
  readonly iat?: number;
  readonly iss?: string;
  readonly name?: string;
  readonly nbf?: number;
  readonly sub?: string;
}

const ORDER = ["aud", "exp", "iat", "iss", "name", "nbf", "sub"] as const satisfies readonly (keyof StandardClaims)[];

/** What Go's encoder writes differently from `JSON.stringify` inside a string. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

/**
 * The `jti` that nats-io/jwt gives to claims: base32 of SHA-512/256 over the standard claims as Go writes
 * them. It covers neither a random part nor the `nats` claims, so two deploys of one name in one second share
 * it; claims of ours therefore take a random id instead, and this exists to write claims as 0.2.7 does.
 */
export function legacyClaimsId(claims: StandardClaims): string {
  const present = ORDER.filter((key) => claims[key] !== undefined && claims[key] !== "" && claims[key] !== 0);
  const json = JSON.stringify(Object.fromEntries(present.map((key) => [key, claims[key]])));
  const asGo = json.replaceAll(GO_ESCAPES, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return encodeBase32(createHash("sha512-256").update(asGo).digest());
}
