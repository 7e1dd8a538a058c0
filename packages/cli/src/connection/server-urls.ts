import { NexError } from "@nex/protocol";

export interface ServerUrls {
  /** Without user and password: safe to show. */
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const PORTS: Readonly<Record<string, string>> = { nats: "4222", tls: "4222", ws: "80", wss: "443" };

/**
 * Reads a comma-separated list of servers. `nats://` may be left out; a user and password, or a token, may
 * stand in front of the host, as in the Go client.
 * @param name of the setting, for the error
 * @throws NexError `invalid_request`
 */
export function parseServerUrls(text: string, name: string): ServerUrls {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const urls = parts.map((part) => parseServerUrl(part, name));
  if (urls.length === 0)
    throw new NexError("invalid_request", `${name} is empty: write a NATS URL, such as nats://host:4222.`);
  const schemes = new Set(urls.map((url) => (url.protocol.startsWith("ws") ? "WebSocket" : "NATS")));
  if (schemes.size > 1)
    throw new NexError("invalid_request", `${name} mixes ws:// and nats:// URLs: use one kind for all servers.`);
  const withUser = urls.find((url) => url.username !== "");
  return {
    servers: urls.map(shownUrl),
    user: withUser === undefined ? undefined : decodeURIComponent(withUser.username),
    password: withUser === undefined || withUser.password === "" ? undefined : decodeURIComponent(withUser.password),
  };
}

function parseServerUrl(text: string, name: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`);
  const scheme = url?.protocol.slice(0, -1) ?? "";
  if (url !== null && url.hostname !== "" && Object.hasOwn(PORTS, scheme) && isDecodable(url)) return url;
  // What stands before an @ is a password or a token.
  const shown = text.replace(/\/\/.*@/, "//…@").slice(0, 200);
  throw new NexError(
    "invalid_request",
    `${name}: "${shown}" is not a NATS URL. Write it as nats://host:4222, tls://host:4222 or wss://host.`,
  );
}

function shownUrl(url: URL): string {
  const scheme = url.protocol.slice(0, -1);
  const path = scheme.startsWith("ws") && url.pathname !== "/" ? url.pathname : "";
  return `${scheme}://${url.hostname}:${url.port || PORTS[scheme]}${path}`;
}

function isDecodable(url: URL): boolean {
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
}
