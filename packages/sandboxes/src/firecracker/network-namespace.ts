import { GUEST_NETWORK } from "../vm/guest-network.ts";
import { runTool, systemTool } from "./system-tool.ts";

/** The same in every machine, each has a namespace of its own. */
export const TAP_DEVICE = "tap0";

/** Where `ip netns` keeps the namespaces' names. */
export const NAMESPACES = "/run/netns";

const { address, node, prefixLength, linkPort } = GUEST_NETWORK;

/**
 * What may pass between guest and node: connections of the guest's to the link's port, and nothing else. Without
 * connection tracking, of which a hostile guest could fill the table.
 */
const LINK_RULES: string = `
table inet nex {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "${TAP_DEVICE}" ip saddr ${address} ip daddr ${node} tcp dport ${linkPort} accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
  chain output {
    type filter hook output priority filter; policy drop;
    oifname "${TAP_DEVICE}" ip saddr ${node} ip daddr ${address} tcp sport ${linkPort} accept
  }
}
`;

export function namespacePath(name: string): string {
  return `${NAMESPACES}/${name}`;
}

/** A network that holds one device, of which the guest of `uid` has the other end. @throws NexError `sandbox_failed` */
export async function makeNetwork(name: string, uid: number): Promise<void> {
  await runTool("ip", ["netns", "add", name]);
  try {
    // The rules first: there is no moment in which the device works without them.
    await runTool("nsenter", [`--net=${namespacePath(name)}`, "--", systemTool("nft"), "-f", "-"], LINK_RULES);
    await runTool(
      "ip",
      ["-n", name, "-batch", "-"],
      [
        `tuntap add dev ${TAP_DEVICE} mode tap user ${uid}`,
        `link set dev ${TAP_DEVICE} addrgenmode none`,
        `addr add ${node}/${prefixLength} dev ${TAP_DEVICE}`,
        `link set dev ${TAP_DEVICE} up`,
        "",
      ].join("\n"),
    );
  } catch (error) {
    await removeNetwork(name);
    throw error;
  }
}

/** Ends whatever is still in the namespace, and takes it away with its device. */
export async function removeNetwork(name: string): Promise<void> {
  for (const pid of (await runTool("ip", ["netns", "pids", name])).split("\n")) {
    try {
      if (pid !== "") process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended in between.
    }
  }
  await runTool("ip", ["netns", "delete", name]);
}
