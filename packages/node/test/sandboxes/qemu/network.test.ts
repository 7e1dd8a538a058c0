import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import { GUEST_NETWORK } from "@nex/sandboxes/testing";
import { buildProbe, makeQemuDriver, noQemu, probing } from "../../support/qemu.ts";
import { TestSystem } from "../../support/system.ts";

/** Where QEMU's own network has this machine, and its name server. */
const HOST = "169.254.0.1";
const NAME_SERVER = "169.254.0.3";

/** A service of this machine that only it should reach. */
async function openService(): Promise<AsyncDisposable & { readonly port: number; readonly visits: number }> {
  let visits = 0;
  const server = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get visits() {
      return visits;
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

void describe("The network of a QEMU machine", { skip: noQemu }, () => {
  void test("ends at the node: nothing of this machine, nor anything beyond it", async () => {
    await using service = await openService();
    await using system = await TestSystem.start({ driver: makeQemuDriver(), poolSize: 0 });
    const forbidden = [
      `${HOST}:${service.port}`,
      `${GUEST_NETWORK.node}:${service.port}`,
      `${GUEST_NETWORK.node}:22`,
      `${GUEST_NETWORK.metadata}:443`,
      `${GUEST_NETWORK.metadata}:${GUEST_NETWORK.linkPort}`,
      `127.0.0.1:${service.port}`,
      "10.0.2.2:80",
      "1.1.1.1:443",
    ];
    const allowed = [`${GUEST_NETWORK.metadata}:80`, `${GUEST_NETWORK.node}:${GUEST_NETWORK.linkPort}`];
    await system.deploy(await buildProbe(), probing("net", "net", ...forbidden, ...allowed));
    for (const target of forbidden) await system.told.log(`held ${target}`);
    for (const target of allowed) await system.told.log(`reached ${target}`);
    assert.equal(service.visits, 0);
    await system.deploy(await buildProbe(), probing("dns", "dns", NAME_SERVER));
    await system.told.log("held dns");
  });

  void test("would reach this machine without the restriction: the probe is able to", async () => {
    await using service = await openService();
    const driver = makeQemuDriver({ qemu: { saved_state: false } }, { isRestricted: false });
    await using system = await TestSystem.start({ driver, poolSize: 0 });
    const target = `${HOST}:${service.port}`;
    await system.deploy(await buildProbe(), probing("net", "net", target));
    await system.told.log(`reached ${target}`);
    assert.equal(service.visits, 1);
  });
});
