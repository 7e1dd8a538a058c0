import { LEGACY_HASH, legacyClaimsId, type SigningKey } from "@nex/protocol";

export interface LegacyClaims {
  readonly name: string;
  /** UNIX seconds. Default now. */
  readonly iat?: number;
  /** Default those of a deploy. */
  readonly nats?: Readonly<Record<string, unknown>>;
}

/** Claims as the 0.2.7 CLI signs them. */
export function legacyClaims(key: SigningKey, claims: LegacyClaims): string {
  const { name, iat = Math.floor(Date.now() / 1000), nats = { hash: LEGACY_HASH, version: 2 } } = claims;
  const standard = { iat, iss: key.publicKey, sub: name };
  return signPayload(key, { jti: legacyClaimsId(standard), ...standard, nats });
}

/** Signs any payload. */
function signPayload(key: SigningKey, payload: unknown): string {
  const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(payload)}`;
  return `${signed}.${key.sign(Buffer.from(signed)).toString("base64url")}`;
}
