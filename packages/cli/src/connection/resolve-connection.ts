import { NexError } from "@nex/protocol";
import type { Environment } from "../terminal/environment.ts";
import {
  type ConnectionConfig,
  type ConnectionFlags,
  type Credentials,
  DEFAULT_SERVER,
  type Secret,
  type TlsConfig,
} from "./connection-config.ts";
import { resolveSecret, resolveText } from "./references.ts";
import { parseServerUrls, type ServerUrls } from "./server-urls.ts";
import { collectSettings, type Setting, type SettingName, type Settings } from "./settings.ts";

const isPem = (text: string): boolean => text.includes("-----BEGIN");
const isSeed = (text: string): boolean => /^\s*S[A-Z2-7]{57}\s*$/.test(text);
const isJwt = (text: string): boolean => /^\s*[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(text);

/**
 * Finds out which server to talk to and as whom, the way the `nats` CLI does. Explicit flags win over `NATS_*`
 * variables, these over a context, one setting at a time; of ways to log in, the one given highest is used alone.
 * The context is the one of `--context` or `NATS_CONTEXT`, else the selected one unless server or credentials
 * were named, else that of a running `nex up` with an embedded server.
 * @throws NexError `invalid_request`, `file_not_found`, `usage`
 */
export function resolveConnection(flags: ConnectionFlags, env: Environment, timeoutMs: number): ConnectionConfig {
  const settings = collectSettings(flags, env);
  const text = (name: SettingName): string | undefined => {
    const setting = settings[name];
    return setting === undefined ? undefined : resolveText(setting.value, setting.name, env);
  };
  const urls = parseServerUrls(text("url") ?? DEFAULT_SERVER, settings.url?.name ?? "The server");
  return {
    servers: urls.servers,
    credentials: chooseCredentials(settings, urls, env),
    tls: chooseTls(settings, urls, env),
    inboxPrefix: text("inboxPrefix"),
    jetstreamDomain: text("jetstreamDomain"),
    context: settings.context,
    timeoutMs,
  };
}

/** Ways to log in; where two are given at one rank, the first wins, as in `nats`. */
const IDENTITIES = ["user", "creds", "nkey", "jwt"] as const satisfies readonly SettingName[];

function chooseCredentials(settings: Settings, urls: ServerUrls, env: Environment): Credentials {
  const identity = highest(IDENTITIES.map((name) => settings[name]));
  const token = settings.token;
  const inUrl = urls.user === undefined ? undefined : settings.url;
  if (inUrl !== undefined && inUrl.rank >= (highest([identity, token])?.rank ?? 0)) {
    if (urls.password === undefined) return { kind: "token", token: urls.user!, from: inUrl.name };
    return { kind: "user", user: urls.user!, password: urls.password, token: undefined, from: inUrl.name };
  }
  const read = ({ value, name }: Setting): string => resolveText(value, name, env);
  if (identity === undefined || (token !== undefined && token.rank > identity.rank)) {
    return token === undefined ? { kind: "none" } : { kind: "token", token: read(token), from: token.name };
  }
  const from = identity.name;
  if (identity === settings.user) {
    const password = settings.password;
    // `nats --user TOKEN` without a password means a token.
    if (password === undefined) return { kind: "token", token: read(identity), from };
    const besides = token === undefined || token.rank < identity.rank ? undefined : read(token);
    return { kind: "user", user: read(identity), password: read(password), token: besides, from };
  }
  const secret = ({ value, name }: Setting, looksRight: (text: string) => boolean): Secret =>
    looksRight(value) ? { kind: "text", text: value } : resolveSecret(value, name, env, looksRight);
  if (identity === settings.creds) return { kind: "creds", creds: secret(identity, isPem), from };
  if (identity === settings.nkey) return { kind: "nkey", seed: secret(identity, isSeed), from };
  const seed = settings.seed === undefined ? undefined : secret(settings.seed, isSeed);
  return { kind: "jwt", jwt: secret(identity, isJwt), seed, from };
}

function highest(settings: readonly (Setting | undefined)[]): Setting | undefined {
  return settings.reduce(
    (best, setting) => (setting !== undefined && setting.rank > (best?.rank ?? 0) ? setting : best),
    undefined,
  );
}

function chooseTls(settings: Settings, urls: ServerUrls, env: Environment): TlsConfig | undefined {
  const file = (name: "cert" | "key" | "ca"): Secret | undefined => {
    const setting = settings[name];
    return setting === undefined ? undefined : resolveSecret(setting.value, setting.name, env, isPem);
  };
  const [cert, key, ca] = [file("cert"), file("key"), file("ca")];
  if ((cert === undefined) !== (key === undefined)) {
    const given = settings.cert ?? settings.key;
    throw new NexError(
      "invalid_request",
      `${given!.name} needs its other half: a client certificate is given with --tlscert and --tlskey together.`,
    );
  }
  const asked = urls.servers.some((server) => server.startsWith("tls://"));
  const handshakeFirst = settings.handshakeFirst;
  if (!asked && !handshakeFirst && cert === undefined && ca === undefined) return undefined;
  return { cert, key, ca, handshakeFirst };
}
