/**
 * The network of every virtual machine, the same under QEMU and Firecracker and written into the image: one
 * address of its own, the node's end of the link as its gateway, and the metadata service on the link itself.
 */
export const GUEST_NETWORK = {
  interface: "eth0",
  mac: "06:00:a9:fe:00:15",
  address: "169.254.0.21",
  prefixLength: 30,
  /** Where the agent finds its node. */
  node: "169.254.0.22",
  linkPort: 9222,
  metadata: "169.254.169.254",
} as const;

/** What the agent's metadata says about where its link is dialled. */
export const GUEST_LINK_ADDRESS: string = `tcp:${GUEST_NETWORK.node}:${GUEST_NETWORK.linkPort}`;
