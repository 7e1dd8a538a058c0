import { createHash } from "node:crypto";
import type { z } from "zod";
import { NexError } from "../errors.ts";
import type { SigningKey } from "../keys/signing-key.ts";
import { type Claims, type NewClaims, signClaims } from "./claims.ts";
import { checkMessage, parseJson } from "./messages/parse.ts";

/** A request that claims allow, as it came. */
export interface SignedRequest<T> {
  /** What the schema knows of it. */
  readonly request: T;
  /** All of it: what was signed may be more than this release knows. */
  readonly body: unknown;
}

/** The canonical form and hash that {@link requestDigest} uses. Another one gets another name. */
const DIGEST_VERSION = "v1";

/** Where a request holds its claims, which cannot sign themselves. */
const CLAIMS_FIELD = "workload_jwt";

/** Completes a request by claims over all that is in it. */
export function signRequest<Request extends object>(
  key: SigningKey,
  claims: Omit<NewClaims, "digest">,
  request: Request,
): Request & { readonly workload_jwt: string } {
  return { ...request, workload_jwt: signClaims(key, { ...claims, digest: requestDigest(request) }) };
}

/** Reads a request that carries claims. @throws NexError `too_large`, `invalid_request` */
export function parseSignedRequest<T>(schema: z.ZodType<T>, bytes: Uint8Array): SignedRequest<T> {
  const body = parseJson(bytes);
  return { request: checkMessage(schema, body), body };
}

/**
 * `v1.` and the SHA-256, in base64url, of a request's canonical JSON: keys of each object in the order of their UTF-16
 * code units, no space, numbers and texts as `JSON.stringify` writes them (as in RFC 8785), without the claims.
 */
export function requestDigest(body: unknown): string {
  const rest =
    typeof body === "object" && body !== null
      ? Object.fromEntries(Object.entries(body).filter(([key]) => key !== CLAIMS_FIELD))
      : body;
  return `${DIGEST_VERSION}.${createHash("sha256").update(canonical(rest)).digest("base64url")}`;
}

/** Checks that claims were signed over this very request. @throws NexError `claims_mismatch` */
export function checkRequestDigest(claims: Claims, body: unknown): void {
  const { digest } = claims;
  if (digest !== undefined && digest === requestDigest(body)) return;
  const why =
    digest === undefined
      ? "do not say which request they allow (digest)"
      : digest.startsWith(`${DIGEST_VERSION}.`)
        ? "were signed for a request that differs from this one"
        : `hold a digest of another version than ${DIGEST_VERSION}`;
  throw new NexError(
    "claims_mismatch",
    `The claims ${why}. Sign claims over exactly this request, with this release's nex or client library.`,
    { data: { what: "request" } },
  );
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}
