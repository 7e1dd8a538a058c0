import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { describe, it } from "node:test";
import { waitFor } from "@nex/testing";
import { resolveName } from "../src/http/name-resolver.ts";

/** A name server that hears questions and says nothing. */
async function startSilentServer(): Promise<AsyncDisposable & { readonly address: string; questions(): number }> {
  const socket = createSocket("udp4");
  let questions = 0;
  socket.on("message", () => questions++);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions: () => questions,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

const never = new AbortController().signal;

describe("looking up a name", () => {
  it("takes localhost for this machine, without asking anybody", async () => {
    await using server = await startSilentServer();
    for (const name of ["localhost", "LOCALHOST.", "a.localhost"]) {
      const addresses = await resolveName(name, never, [server.address]);
      assert.deepEqual(addresses, [
        { address: "127.0.0.1", family: 4 },
        { address: "::1", family: 6 },
      ]);
    }
    assert.equal(server.questions(), 0);
  });

  it("ends at once when it is called off, however many nobody answers, and holds nothing up", async () => {
    await using server = await startSilentServer();
    const over = new AbortController();
    const names = Array.from({ length: 200 }, (_, number) => `n${number}.example`);
    const asked = names.map(async (name) => await resolveName(name, over.signal, [server.address]));
    const ends = Promise.allSettled(asked);
    // The system's own resolver, which has a few threads for the whole process.
    assert.equal((await lookup("127.0.0.1")).address, "127.0.0.1");
    assert.ok((await lookup("localhost")).address);
    await waitFor(() => server.questions() > 0);
    over.abort(new Error("called off"));
    for (const end of await ends) assert.match(String((end as PromiseRejectedResult).reason), /called off/);
  });

  it("tells a server that does not answer from a name that is not there", async () => {
    await using server = await startSilentServer();
    await assert.rejects(resolveName("slow.example", never, [server.address]), { code: "ETIMEOUT" });
  });
});
