import { type Destination, isLoopbackHost } from "@nex/protocol";

const LOCALHOST = "127.0.0.1";

/**
 * The loopback address on which each host of these destinations is to appear: one for each name, so that two names may
 * have the same port. Loopback addresses stand for themselves, `localhost` for 127.0.0.1.
 */
export function loopbackAddresses(destinations: readonly Destination[]): ReadonlyMap<string, string> {
  const hosts = new Set(destinations.map(({ host }) => host));
  const addresses = new Map<string, string>();
  let last = 0;
  for (const host of hosts) {
    if (host === "localhost") addresses.set(host, LOCALHOST);
    else if (isLoopbackHost(host)) addresses.set(host, host);
    else {
      do last++;
      while (hosts.has(numbered(last)));
      addresses.set(host, numbered(last));
    }
  }
  return addresses;
}

/** 127.0.1.1, 127.0.1.2 and so on; never one that ends in 0 or 255. */
function numbered(index: number): string {
  return `127.0.${1 + Math.floor((index - 1) / 254)}.${1 + ((index - 1) % 254)}`;
}
