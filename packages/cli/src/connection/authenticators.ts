import type * as Nats from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import type { Credentials, Secret } from "./connection-config.ts";
import { readSecret } from "./references.ts";

type Transport = typeof Nats;

/**
 * How the NATS client proves who it is. Files are read for every connection, because credentials are rotated;
 * while one cannot be read, as in the middle of its replacement, the last good reading serves.
 */
export function authenticator(
  credentials: Credentials,
  nats: Transport,
): Nats.Authenticator | Nats.Authenticator[] | undefined {
  if (credentials.kind === "none") return undefined;
  if (credentials.kind === "token") return nats.tokenAuthenticator(credentials.token);
  if (credentials.kind === "user") {
    const login = nats.usernamePasswordAuthenticator(credentials.user, credentials.password);
    return credentials.token === undefined ? login : [login, nats.tokenAuthenticator(credentials.token)];
  }
  if (credentials.kind === "creds") {
    const read = reader(credentials.creds, credentials.from, parseCreds);
    return nats.jwtAuthenticator(
      () => read().jwt,
      () => read().seed,
    );
  }
  if (credentials.kind === "nkey") return nats.nkeyAuthenticator(reader(credentials.seed, credentials.from, parseSeed));
  const jwt = reader(credentials.jwt, credentials.from, (text) => text.trim());
  if (credentials.seed === undefined) return nats.jwtAuthenticator(jwt);
  return nats.jwtAuthenticator(jwt, reader(credentials.seed, credentials.from, parseSeed));
}

/** @throws NexError `file_not_found`, `authentication_failed` on the first reading, not later */
function reader<T>(secret: Secret, from: string, parse: (text: string, where: string) => T): () => T {
  const where = secret.kind === "file" ? `${from}: ${secret.path}` : from;
  const read = (): T => parse(readSecret(secret, from), where);
  // Read once now: what is wrong is said before anything is dialled, and not from inside the client.
  let last = read();
  return () => {
    try {
      last = read();
    } catch {
      // Serve the last good reading.
    }
    return last;
  };
}

const SECTION = /-{3,}BEGIN [A-Z ]+-{3,}\s+(\S+)\s+-{3,}END [A-Z ]+-{3,}/g;

/** A `.creds` file: a user's JWT, then the seed of its key. */
function parseCreds(text: string, where: string): { readonly jwt: string; readonly seed: Uint8Array } {
  const [jwt, seed] = [...text.matchAll(SECTION)].map((section) => section[1]!);
  if (jwt === undefined || seed === undefined) {
    throw new NexError(
      "authentication_failed",
      `${where} is not a credentials file: it lacks the section of a user's JWT or of its seed.`,
    );
  }
  return { jwt, seed: parseSeed(seed, where) };
}

/** The first word of a file that is a seed; comments around it are allowed. */
function parseSeed(text: string, where: string): Uint8Array {
  const seed = /(?:^|\s)(S[A-Z2-7]{57})(?:\s|$)/.exec(text)?.[1];
  if (seed === undefined)
    throw new NexError(
      "authentication_failed",
      `${where} holds no seed of an nkey (58 letters and digits that begin with SU).`,
    );
  return new TextEncoder().encode(seed);
}
