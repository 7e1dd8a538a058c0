import { BlockList, isIP, isIPv4 } from "node:net";

/** Not public, by IANA's special-purpose registry: this network, private, CGNAT, loopback, link-local (metadata services among them), documentation, benchmarks, multicast, reserved. */
const DENIED_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Within the global block: Teredo and other assignments, documentation, 6to4 (which carries any IPv4 address). */
const DENIED_V6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/** Within the public space, but kept by a platform for services to its own machines. */
const PLATFORM_V4: readonly (readonly [string, number])[] = [
  // Azure: metadata, DNS, DHCP, the agent's channel. https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  ["168.63.129.16", 32],
];

const denied = new BlockList();
for (const [network, bits] of [...DENIED_V4, ...PLATFORM_V4]) denied.addSubnet(network, bits, "ipv4");
for (const [network, bits] of DENIED_V6) denied.addSubnet(network, bits, "ipv6");

/** All that is handed out for the public Internet; loopback, private, link-local, mapped and translated addresses lie outside. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** True for an address on the public Internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !denied.check(address, "ipv4");
  if (isIP(address) !== 6 || address.includes("%")) return false;
  return globalUnicast.check(address, "ipv6") && !denied.check(address, "ipv6");
}

interface NameRule {
  readonly name: string;
  /** Takes in every name below it. */
  readonly isDomain: boolean;
  readonly port: number | undefined;
}

interface BlockRule {
  readonly block: BlockList;
  readonly port: number | undefined;
}

/** What an operator has opened, from entries as {@link HostServicesOptions} documents them. */
export class AllowList {
  readonly #names: NameRule[] = [];
  readonly #blocks: BlockRule[] = [];

  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  /** True if only what is named by name is on the list: then a name that is not needs no look-up. */
  get hasOnlyNames(): boolean {
    return this.#blocks.length === 0;
  }

  /** True if the host itself was named, whatever its addresses are. */
  allowsHost(host: string, port: number): boolean {
    const wanted = host.toLowerCase();
    return this.#names.some(
      (rule) =>
        (rule.port === undefined || rule.port === port) &&
        (rule.isDomain ? wanted.endsWith(`.${rule.name}`) : wanted === rule.name),
    );
  }

  allowsAddress(address: string, port: number): boolean {
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    return this.#blocks.some(
      ({ block, port: only }) => (only === undefined || only === port) && block.check(address, family),
    );
  }

  #add(entry: string): void {
    const { host, port } = splitPort(entry);
    const [network = "", bits] = host.split("/");
    if (isIP(network) === 0) {
      const isDomain = host.startsWith("*.");
      this.#names.push({ name: host.slice(isDomain ? 2 : 0).toLowerCase(), isDomain, port });
      return;
    }
    const family = isIPv4(network) ? "ipv4" : "ipv6";
    const block = new BlockList();
    block.addSubnet(network, bits === undefined ? (family === "ipv4" ? 32 : 128) : Number(bits), family);
    this.#blocks.push({ block, port });
  }
}

/** `host`, `host:port`, `*.domain`, `10.0.0.0/8`, `[::1]:80`. */
const ENTRY = /^(?:\*\.)?[A-Za-z0-9_.:[\]-]+(?:\/\d{1,3})?(?::\d{1,5})?$/;

/** True for what an {@link AllowList} can be made of. */
export function isAllowEntry(entry: string): boolean {
  try {
    return ENTRY.test(entry) && new AllowList([entry]).allowsHost("", 0) === false;
  } catch {
    // An address with more bits than it has.
    return false;
  }
}

export interface EntryPlace {
  readonly host: string;
  /** Known without asking anybody: of an address, of the start of a block, of this machine's own names. */
  readonly address: string | undefined;
  /** Zero: the entry is for every port. */
  readonly port: number;
}

export function literalOf(entry: string): EntryPlace {
  const { host, port = 0 } = splitPort(entry.toLowerCase());
  const [network = ""] = host.split("/");
  const isLocal = /^(.+\.)?localhost$/.test(host);
  return { host, port, address: isIP(network) === 0 ? (isLocal ? "127.0.0.1" : undefined) : network };
}

/** `host`, `host:80`, `[::1]:80`, `::1`. */
function splitPort(entry: string): { readonly host: string; readonly port: number | undefined } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry);
  const plain = /^([^:]+):(\d+)$/.exec(entry);
  const [, host = entry, port] = bracketed ?? plain ?? [];
  return { host, port: port === undefined ? undefined : Number(port) };
}
