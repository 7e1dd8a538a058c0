import { NexError } from "@nex/protocol";
import type { Environment } from "../terminal/environment.ts";
import { type ConnectionFlags, EMBEDDED_CONTEXT } from "./connection-config.ts";
import { ContextDirectory } from "./context-directory.ts";
import { type ContextFile, readContextFile } from "./context-file.ts";

/** Where a setting may come from; a higher one wins. */
const Rank = { context: 1, environment: 2, flag: 3 } as const;
type RankValue = (typeof Rank)[keyof typeof Rank];

export interface Setting {
  readonly value: string;
  readonly rank: RankValue;
  /** In the user's words: `--creds`, `NATS_CREDS`, `"creds" of the context "dev"`. */
  readonly name: string;
}

interface Source {
  readonly flag?: keyof ConnectionFlags;
  readonly variable?: string;
  readonly key: Exclude<keyof ContextFile, "description" | "tls_first">;
}

export type SettingName =
  | "url"
  | "user"
  | "password"
  | "token"
  | "creds"
  | "nkey"
  | "jwt"
  | "seed"
  | "cert"
  | "key"
  | "ca"
  | "inboxPrefix"
  | "jetstreamDomain";

/** What makes up a connection, and what it is called in each place. Variables are those of the `nats` CLI. */
const SOURCES: Readonly<Record<SettingName, Source>> = {
  url: { flag: "server", variable: "NATS_URL", key: "url" },
  user: { flag: "user", variable: "NATS_USER", key: "user" },
  password: { flag: "password", variable: "NATS_PASSWORD", key: "password" },
  token: { flag: "token", variable: "NATS_TOKEN", key: "token" },
  creds: { flag: "creds", variable: "NATS_CREDS", key: "creds" },
  nkey: { flag: "nkey", variable: "NATS_NKEY", key: "nkey" },
  jwt: { variable: "NATS_JWT", key: "user_jwt" },
  seed: { variable: "NATS_SEED", key: "user_seed" },
  cert: { flag: "tlscert", variable: "NATS_CERT", key: "cert" },
  key: { flag: "tlskey", variable: "NATS_KEY", key: "key" },
  ca: { flag: "tlsca", variable: "NATS_CA", key: "ca" },
  inboxPrefix: { key: "inbox_prefix" },
  jetstreamDomain: { key: "jetstream_domain" },
};

/** Naming one of these by flag or variable sets the selected context aside: its credentials are for its own server. */
const CHOOSES_CONNECTION: readonly SettingName[] = ["url", "user", "token", "creds", "nkey", "jwt"];

export interface Settings extends Readonly<Partial<Record<SettingName, Setting>>> {
  readonly context: string | undefined;
  readonly handshakeFirst: boolean;
}

/**
 * Collects the settings of a connection: flag before variable before context, one by one.
 * @throws NexError `file_not_found`, `invalid_request`
 */
export function collectSettings(flags: ConnectionFlags, env: Environment): Settings {
  const given: Partial<Record<SettingName, Setting>> = {};
  for (const [name, source] of entries()) {
    const setting = fromFlag(flags, source) ?? fromVariable(env, source);
    if (setting !== undefined) given[name] = setting;
  }
  const context = findContext(
    flags,
    env,
    CHOOSES_CONNECTION.some((name) => given[name] !== undefined),
  );
  if (context === undefined) return { ...given, context: undefined, handshakeFirst: false };
  const file = readContextFile(context.file);
  for (const [name, { key }] of entries()) {
    const value = file[key];
    if (value !== undefined)
      given[name] ??= { value, rank: Rank.context, name: `"${key}" of the context "${context.name}"` };
  }
  return { ...given, context: context.name, handshakeFirst: file.tls_first === true };
}

function entries(): [SettingName, Source][] {
  return Object.entries(SOURCES) as [SettingName, Source][];
}

function fromFlag(flags: ConnectionFlags, { flag }: Source): Setting | undefined {
  const value = flag === undefined ? undefined : flags[flag];
  if (value === undefined) return undefined;
  if (value === "") throw new NexError("usage", `--${flag} was given without a value.`);
  return { value, rank: Rank.flag, name: `--${flag}` };
}

function fromVariable(env: Environment, { variable }: Source): Setting | undefined {
  const value = variable === undefined ? undefined : env[variable];
  return value === undefined || value === "" ? undefined : { value, rank: Rank.environment, name: variable! };
}

function findContext(
  flags: ConnectionFlags,
  env: Environment,
  connectionIsChosen: boolean,
): { name: string; file: string } | undefined {
  const directory = new ContextDirectory(env);
  if (flags.context !== undefined) return directory.find(flags.context, "--context");
  const named = env["NATS_CONTEXT"];
  if (named !== undefined && named !== "") return directory.find(named, "NATS_CONTEXT");
  if (connectionIsChosen) return undefined;
  const selected = directory.selected();
  if (selected !== undefined) return directory.find(selected, "The selected context (context.txt)");
  return directory.has(EMBEDDED_CONTEXT)
    ? directory.find(EMBEDDED_CONTEXT, "The embedded server's context")
    : undefined;
}
