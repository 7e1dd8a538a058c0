import type { ConnectionFlags } from "./connection/connection-config.ts";
import { duration, flag, type OptionSpec, text, textOr } from "./option.ts";

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly connection: ConnectionFlags;
  /** For connecting and for requests, ms. */
  readonly timeoutMs: number;
  readonly namespace: string;
  readonly json: boolean;
}

const DEFAULT_TIMEOUT_MS = 5000;

const CONNECTION_OPTIONS: Readonly<Record<keyof ConnectionFlags, OptionSpec<string | undefined>>> = {
  server: text("-s, --server <urls>", "NATS servers, comma separated (NATS_URL)"),
  context: text("--context <name>", "NATS context, as in the nats CLI (NATS_CONTEXT)"),
  creds: text("--creds <file>", "credentials file (NATS_CREDS)"),
  user: text("--user <name>", "user name, or a token (NATS_USER)"),
  password: text("--password <text>", "password (NATS_PASSWORD)"),
  token: text("--token <text>", "token (NATS_TOKEN)"),
  nkey: text("--nkey <file>", "file with an nkey's seed (NATS_NKEY)"),
  tlscert: text("--tlscert <file>", "client certificate (NATS_CERT)"),
  tlskey: text("--tlskey <file>", "key of the client certificate (NATS_KEY)"),
  tlsca: text("--tlsca <file>", "certificates to trust (NATS_CA)"),
};

const TIMEOUT: OptionSpec<number> = duration(
  "--timeout <time>",
  "for connecting and requests (NATS_TIMEOUT, default 5s)",
  {
    fallback: DEFAULT_TIMEOUT_MS,
    variable: "NATS_TIMEOUT",
  },
);
const NAMESPACE: OptionSpec<string> = textOr(
  "--namespace <name>",
  'namespace of workloads (NEX_NAMESPACE, default "default")',
  {
    fallback: "default",
    variable: "NEX_NAMESPACE",
  },
);
const JSON_OUTPUT: OptionSpec<boolean> = flag("-j, --json", "print JSON: one document, streams as one object per line");

/** All of them, for the parser, the help and the completion scripts. */
export const GLOBAL_OPTIONS: Readonly<Record<string, OptionSpec<unknown>>> = {
  ...CONNECTION_OPTIONS,
  timeout: TIMEOUT,
  namespace: NAMESPACE,
  json: JSON_OUTPUT,
};

/** @throws NexError `invalid_request` */
export function readGlobalOptions(
  given: (name: string, spec: OptionSpec<unknown>) => readonly string[],
): GlobalOptions {
  const connection: Partial<Record<keyof ConnectionFlags, string>> = {};
  for (const [name, spec] of Object.entries(CONNECTION_OPTIONS) as [
    keyof ConnectionFlags,
    OptionSpec<string | undefined>,
  ][]) {
    const read = spec.read(given(name, spec));
    if (read !== undefined) connection[name] = read;
  }
  return {
    connection,
    timeoutMs: TIMEOUT.read(given("timeout", TIMEOUT)),
    namespace: NAMESPACE.read(given("namespace", NAMESPACE)),
    json: JSON_OUTPUT.read(given("json", JSON_OUTPUT)),
  };
}
