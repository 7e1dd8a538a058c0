import { legacyClaimsId } from "../../src/control/claims-id.ts";
import type { SigningKey } from "../../src/keys/signing-key.ts";

export interface LegacyClaims {
  readonly name: string;
  /** UNIX seconds. */
  readonly iat: number;
  readonly nats?: Readonly<Record<string, unknown>>;
  readonly alg?: "ed25519-nkey" | "ed25519";
}

/** Signs claims as the 0.2.7 CLI does: those of a deploy by default, `nats: {version: 2}` for a stop. */
export function signLegacyClaims(key: SigningKey, claims: LegacyClaims): string {
  const { name, iat, nats = { hash: "abc12345TODOmakethisreal", version: 2 }, alg = "ed25519-nkey" } = claims;
  const standard = { iat, iss: key.publicKey, sub: name };
  return signJwt(key, { typ: "JWT", alg }, { jti: legacyClaimsId(standard), ...standard, nats });
}

/** Signs any header and payload. */
export function signJwt(key: SigningKey, header: Readonly<Record<string, unknown>>, payload: unknown): string {
  const [head, body] = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signed = header["alg"] === "ed25519" ? `${body}` : `${head}.${body}`;
  return `${head}.${body}.${key.sign(Buffer.from(signed)).toString("base64url")}`;
}
