import assert from "node:assert/strict";
import { test } from "node:test";
import { listenInNamespace } from "../../src/firecracker/link-listener.ts";
import { machineName } from "../../src/firecracker/machine-name.ts";
import { makeNetwork, namespacePath, removeNetwork } from "../../src/firecracker/network-namespace.ts";
import { runTool, systemTool } from "../../src/firecracker/system-tool.ts";
import { GuestNetwork } from "./support/guest-network.ts";

const skip = process.getuid?.() !== 0 && "only root can make networks";

test("a guest reaches the link's port and nothing else; without the rules it would", { skip }, async () => {
  const name = machineName("rules");
  await makeNetwork(name, 61_184);
  try {
    await using resources = new AsyncDisposableStack();
    const server = await listenInNamespace(name, (socket) => socket.destroy());
    resources.defer(() => void server.close());
    const guest = resources.use(await GuestNetwork.attach(name));
    // Another service at the node's end, on another port of the same address.
    const other = await listenOnOtherPort(name);
    resources.defer(other);

    assert.equal(await guest.reaches("169.254.0.22", 9222), true);
    assert.equal(await guest.reaches("169.254.0.22", 9223), false);
    assert.equal(await guest.reaches("169.254.169.254", 80), false);

    await runTool("nsenter", [`--net=${namespacePath(name)}`, "--", systemTool("nft"), "flush", "ruleset"]);
    assert.equal(await guest.reaches("169.254.0.22", 9223), true);
  } finally {
    await removeNetwork(name);
  }
});

test("the device belongs to the machine's user, and has the node's address alone", { skip }, async () => {
  const name = machineName("device");
  await makeNetwork(name, 61_185);
  try {
    const [link] = JSON.parse(
      await runTool("ip", ["-n", name, "-json", "-details", "address", "show", "dev", "tap0"]),
    ) as [
      {
        readonly addr_info: { readonly local: string; readonly prefixlen: number }[];
        readonly linkinfo: { readonly info_data: unknown };
      },
    ];
    assert.deepEqual(
      link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      ["169.254.0.22/30"],
    );
    assert.match(JSON.stringify(link.linkinfo.info_data), /"user":"?61185/);
  } finally {
    await removeNetwork(name);
  }
});

/** A process in the machine's own network; ended by what is returned. */
async function listenOnOtherPort(name: string): Promise<() => Promise<void>> {
  const { spawn } = await import("node:child_process");
  const { once } = await import("node:events");
  const script = `require("node:net").createServer((s) => s.destroy()).listen(9223, "169.254.0.22", () => console.log("ready"))`;
  const child = spawn("nsenter", [`--net=${namespacePath(name)}`, "--", process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}
