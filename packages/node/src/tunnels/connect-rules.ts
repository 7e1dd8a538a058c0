import { type Destination, formatDestination, isLoopbackHost, NexError, parseDestination } from "@nex/protocol";

const ANY_PORT = "*";

interface Rule {
  readonly host: string;
  /** Takes in every name below the host, and not the host itself. */
  readonly isDomain: boolean;
  /** Absent: every port. */
  readonly port: number | undefined;
}

/** Where services of this node may be connected to: `services.connect` of its config. */
export class ConnectRules {
  readonly #rules: readonly Rule[];

  /** @param entries `host:port`, `*.domain:port`; the port may be `*`. @throws NexError `invalid_request` */
  constructor(entries: readonly string[]) {
    this.#rules = entries.map(readRule);
  }

  /** @throws NexError `connect_denied` */
  check(destination: Destination): void {
    if (this.#rules.some((rule) => takesIn(rule, destination))) return;
    const name = formatDestination(destination);
    throw new NexError(
      "connect_denied",
      `This node lets no service connect to ${name}. Its operator can allow it: add "${name}" to services.connect in the node's config.`,
      { data: { destination: name } },
    );
  }
}

/** True for an entry that can be read. */
export function isConnectRule(entry: string): boolean {
  try {
    readRule(entry);
    return true;
  } catch {
    return false;
  }
}

/** An entry is a destination in which the first label and the port may be stars. */
function readRule(entry: string): Rule {
  const isDomain = entry.startsWith("*.");
  const anyPort = entry.endsWith(`:${ANY_PORT}`);
  const text = anyPort ? `${entry.slice(0, -ANY_PORT.length)}1` : entry;
  const { host, port } = parseDestination(isDomain ? text.slice(2) : text);
  if (isDomain && isLoopbackHost(host)) throw new NexError("invalid_request", `"${entry}" takes in nothing.`);
  return { host: canonical(host), isDomain, port: anyPort ? undefined : port };
}

function takesIn(rule: Rule, { host, port }: Destination): boolean {
  if (rule.port !== undefined && rule.port !== port) return false;
  return rule.isDomain ? host.endsWith(`.${rule.host}`) : canonical(host) === rule.host;
}

/** Both spellings lead to the same place. */
function canonical(host: string): string {
  return host === "localhost" ? "127.0.0.1" : host;
}
