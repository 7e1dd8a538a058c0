import { randomBytes } from "node:crypto";
import { z } from "zod";
import { isNexError, NexError } from "../errors.ts";
import { encodeBase32 } from "../keys/base32.ts";
import { decodePublic } from "../keys/nkey.ts";
import { type SigningKey, verify } from "../keys/signing-key.ts";
import { isName, type WorkloadKind } from "../workloads/names.ts";
import { checkMessage, parseJson } from "./messages/parse.ts";

/** What claims allow to be done. */
export type ClaimsAction = "deploy" | "stop" | "rollback";

/** Decoded workload claims. Times are in milliseconds since 1970, whole seconds on the wire. */
export interface Claims {
  /** One-time id (`jti`). */
  readonly id: string;
  /** Public nkey whose signature was verified. */
  readonly issuer: string;
  /** Name of the workload. */
  readonly name: string;
  readonly issuedAt: number;
  readonly expiresAt?: number;
  readonly notBefore?: number;
  /** Lower-case hex SHA-256 of the artifact, or {@link LEGACY_HASH}. */
  readonly hash?: string;
  readonly namespace?: string;
  readonly nexus?: string;
  /** A kind of ours or of a newer release. */
  readonly kind?: string;
  /** Public key of the only node that may act on the claims. */
  readonly node?: string;
  readonly action?: string;
  /** Of the whole request: see `requestDigest`. */
  readonly digest?: string;
}

export interface NewClaims {
  readonly name: string;
  readonly action: ClaimsAction;
  readonly namespace: string;
  readonly nexus: string;
  readonly kind?: WorkloadKind;
  /** Lower-case hex SHA-256 of the artifact. Needed for `deploy` and `rollback`. */
  readonly hash?: string;
  /** Bind to one node. Default: any of the nexus. */
  readonly node?: string;
  /** Of the whole request: see `signRequest`. */
  readonly digest?: string;
  /** Milliseconds since 1970; rounded up to whole seconds. */
  readonly expiresAt: number;
  /** Milliseconds since 1970. Default now. */
  readonly issuedAt?: number;
}

/** What the 0.2.7 CLI signs in place of the artifact's hash. */
export const LEGACY_HASH = "abc12345TODOmakethisreal";

/** Ours have about 600 characters. */
const MAX_JWT_LENGTH = 8192;
const ID_BYTES = 32;

/** Writes and signs workload claims, in a form that 0.2.7's nodes accept too. See `signRequest` for claims over a request. */
export function signClaims(key: SigningKey, claims: NewClaims): string {
  const { name, action, namespace, nexus, kind, hash, node, digest, expiresAt, issuedAt = Date.now() } = claims;
  const payload = {
    // nats-io/jwt derives the id from the standard claims alone, so that two deploys of one name within a
    // second share it and the second would count as replayed. A random id is unique and cannot be guessed,
    // and Go never recomputes it.
    jti: encodeBase32(randomBytes(ID_BYTES)),
    iat: Math.floor(issuedAt / 1000),
    exp: Math.ceil(expiresAt / 1000),
    iss: key.publicKey,
    sub: name,
    // Go's decoder keeps unknown names in here, except `type` and `tags`, which it reads as its own.
    nats: { hash, version: 2, namespace, nexus, kind, node, action, digest },
  };
  const signed = `${encodePart({ typ: "JWT", alg: "ed25519-nkey" })}.${encodePart(payload)}`;
  return `${signed}.${key.sign(Buffer.from(signed)).toString("base64url")}`;
}

const header = z.object({ typ: z.string(), alg: z.string() });
const time = z
  .int()
  .nonnegative()
  .max(Number.MAX_SAFE_INTEGER / 1000);
const field = z.string().max(256);
const absentIfNull = <T>(schema: z.ZodType<T>): z.ZodType<T | undefined> =>
  schema.nullish().transform((value) => value ?? undefined);

const payload = z.object({
  jti: z.string().min(1).max(128),
  iat: time,
  exp: absentIfNull(time),
  nbf: absentIfNull(time),
  iss: field,
  sub: z.string().refine(isName, { error: "must be 1 to 63 letters, digits, `_` or `-`" }),
  nats: z.object({
    version: absentIfNull(z.int().max(2)),
    hash: absentIfNull(field),
    namespace: absentIfNull(field),
    nexus: absentIfNull(field),
    kind: absentIfNull(field),
    node: absentIfNull(field),
    action: absentIfNull(field),
    digest: absentIfNull(field),
  }),
});

/**
 * Decodes claims and verifies that their issuer signed them. Says nothing about whether they fit the request
 * they came with: see `checkDeployClaims` and `checkClaims`.
 *
 * Reads 0.2.7's claims too, among them the older `ed25519` form, whose signature covers the payload alone.
 *
 * @throws NexError `claims_invalid`
 */
export function decodeClaims(jwt: string): Claims {
  if (jwt.length > MAX_JWT_LENGTH)
    throw invalid(`they have ${jwt.length} characters; at most ${MAX_JWT_LENGTH} are read`);
  const [head = "", body = "", signature = "", ...rest] = jwt.split(".");
  if (rest.length > 0 || signature === "") throw invalid("a JWT has three parts separated by dots");
  const { typ, alg } = readPart("header", head, header);
  const algorithm = alg.toLowerCase();
  if (typ.toUpperCase() !== "JWT" || (algorithm !== "ed25519-nkey" && algorithm !== "ed25519")) {
    throw invalid("the header must name the type JWT and the algorithm ed25519-nkey");
  }
  const claims = readPart("payload", body, payload);
  const signed = algorithm === "ed25519" ? body : `${head}.${body}`;
  checkIssuer(claims.iss);
  if (!verify(claims.iss, Buffer.from(signed), fromBase64Url("signature", signature))) {
    throw invalid(`the signature is not ${claims.iss}'s`);
  }
  const { hash, namespace, nexus, kind, node, action, digest } = claims.nats;
  return withoutAbsent({
    id: claims.jti,
    issuer: claims.iss,
    name: claims.sub,
    issuedAt: claims.iat * 1000,
    // Go leaves zero out when it writes and takes it as absent when it reads; so do empty texts.
    expiresAt: claims.exp ? claims.exp * 1000 : undefined,
    notBefore: claims.nbf ? claims.nbf * 1000 : undefined,
    hash: hash || undefined,
    namespace: namespace || undefined,
    nexus: nexus || undefined,
    kind: kind || undefined,
    node: node || undefined,
    action: action || undefined,
    digest: digest || undefined,
  });
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Present<T>;
}

function checkIssuer(issuer: string): void {
  try {
    if (decodePublic(issuer).role !== "curve") return;
  } catch (error) {
    if (!isNexError(error)) throw error;
  }
  throw invalid("the issuer is not a public signing key, such as A…");
}

function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function readPart<T>(what: string, text: string, schema: z.ZodType<T>): T {
  const bytes = fromBase64Url(what, text);
  try {
    return checkMessage(schema, parseJson(bytes));
  } catch (error) {
    if (!isNexError(error)) throw error;
    throw invalid(`in the ${what}: ${error.message}`, error);
  }
}

function fromBase64Url(what: string, text: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  // Node skips what is not base64url; only the one true form of the bytes is taken.
  if (bytes.toString("base64url") !== text) throw invalid(`the ${what} is not base64url without padding`);
  return bytes;
}

function invalid(why: string, cause?: unknown): NexError {
  return new NexError("claims_invalid", `The workload claims could not be decoded: ${why.replace(/\.$/, "")}.`, {
    cause,
  });
}
