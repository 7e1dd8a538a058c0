import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import { z } from "zod";

const text = z.string().min(1);
/** A subject's first tokens; wildcards would make every reply unroutable. */
const inbox_prefix = z
  .string()
  .regex(/^[^\s.*>]+(\.[^\s.*>]+)*$/, "must be subject tokens without wildcards")
  .optional();

/**
 * How a namespace logs in, in the node's config: one of a `.creds` file, a user and password, a token, or a file
 * with an nkey seed. `inbox_prefix` is for accounts that allow only a certain one; default `_INBOX_<namespace>`.
 */
export type NamespaceCredentials = { readonly inbox_prefix?: string | undefined } & (
  | { readonly creds: string }
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly nkey: string }
);

export const namespaceCredentialsSchema: z.ZodType<NamespaceCredentials> = z.union(
  [
    z.strictObject({ creds: text, inbox_prefix }),
    z.strictObject({ user: text, password: text, inbox_prefix }),
    z.strictObject({ token: text, inbox_prefix }),
    z.strictObject({ nkey: text, inbox_prefix }),
  ],
  { error: "must name exactly one of: creds (a file), user and password, token, nkey (a file with the seed)" },
);

type Login = Pick<NodeConnectionOptions, "authenticator" | "user" | "pass" | "token">;

/**
 * The credentials as nats.js takes them. Files are read now, so that a wrong one is told at once, and again at
 * each reconnect, so that they can be replaced while the node runs.
 *
 * @throws NexError `file_not_found`, `invalid_request` for a file that holds no credentials
 */
export function loginOf(namespace: string, credentials: NamespaceCredentials): Login {
  if ("creds" in credentials) return fileLogin(namespace, credentials.creds, "a .creds file", credsAuthenticator);
  if ("nkey" in credentials) return fileLogin(namespace, credentials.nkey, "an nkey seed", nkeySeedAuthenticator);
  if ("token" in credentials) return { token: credentials.token };
  return { user: credentials.user, pass: credentials.password };
}

/** An editor's line end after the seed is no part of it. */
function nkeySeedAuthenticator(read: () => Uint8Array): Authenticator {
  return nkeyAuthenticator(() => Buffer.from(Buffer.from(read()).toString("utf8").trim()));
}

function fileLogin(
  namespace: string,
  named: string,
  what: string,
  authenticatorOf: (read: () => Uint8Array) => Authenticator,
): Login {
  const path = named.startsWith("~/") ? join(homedir(), named.slice(2)) : named;
  const tryOut = (contents: Uint8Array): void => void authenticatorOf(() => contents)("nonce");
  let good: Uint8Array;
  try {
    good = readFileSync(path);
  } catch (error) {
    throw new NexError(
      "file_not_found",
      `The credentials of namespace "${namespace}" cannot be read from ${path}: ${(error as Error).message}. Check the path in the node's config.`,
      { data: { namespace, path }, cause: error },
    );
  }
  try {
    tryOut(good);
  } catch (error) {
    throw new NexError(
      "invalid_request",
      `${path}, named as credentials of namespace "${namespace}", is not ${what}: ${(error as Error).message}. Check the file.`,
      { data: { namespace, path }, cause: error },
    );
  }
  const authenticator = authenticatorOf(() => {
    try {
      // Whatever goes wrong here, as when the file is just being replaced, must not end the tries to reconnect.
      const contents = readFileSync(path);
      tryOut(contents);
      good = contents;
    } catch {
      // The last that could be used serves once more.
    }
    return good;
  });
  return { authenticator };
}
