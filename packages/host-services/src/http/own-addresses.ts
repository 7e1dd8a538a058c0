import { BlockList, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * True for an address of this machine's interfaces as they are now: they change. Public ones too must not be reached,
 * since a connection to oneself passes no firewall in front of the machine.
 */
export function isOwnAddress(address: string): boolean {
  const own = new BlockList();
  for (const { address: each, family } of Object.values(networkInterfaces()).flatMap((found) => found ?? []))
    own.addAddress(each, family === "IPv4" ? "ipv4" : "ipv6");
  return own.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}
