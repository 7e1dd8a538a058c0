import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { credsAuthenticator, nkeyAuthenticator, type NodeConnectionOptions } from "@nats-io/transport-node";
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
  { error: "name exactly one of: creds (a file), user and password, token, nkey (a file with the seed)" },
);

type Login = Pick<NodeConnectionOptions, "authenticator" | "user" | "pass" | "token">;

/**
 * The credentials as nats.js takes them. Files are read now, so that a wrong path is told at once, and again at
 * each reconnect, so that they can be replaced while the node runs.
 *
 * @throws NexError `file_not_found`
 */
export function loginOf(namespace: string, credentials: NamespaceCredentials): Login {
  if ("creds" in credentials) return { authenticator: credsAuthenticator(secretFile(namespace, credentials.creds)) };
  if ("nkey" in credentials) return { authenticator: nkeyAuthenticator(secretFile(namespace, credentials.nkey)) };
  if ("token" in credentials) return { token: credentials.token };
  return { user: credentials.user, pass: credentials.password };
}

function secretFile(namespace: string, named: string): () => Uint8Array {
  const path = named.startsWith("~/") ? join(homedir(), named.slice(2)) : named;
  const read = (): Uint8Array => {
    try {
      // An editor's line end after an nkey seed is no part of it.
      return Buffer.from(readFileSync(path, "utf8").trim());
    } catch (error) {
      throw new NexError(
        "file_not_found",
        `The credentials of namespace "${namespace}" cannot be read from ${path}: ${(error as Error).message}. Check the path in the node's config.`,
        { data: { namespace, path }, cause: error },
      );
    }
  };
  read();
  return read;
}
