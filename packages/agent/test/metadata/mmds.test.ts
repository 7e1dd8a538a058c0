import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { NexError } from "@nex/protocol";
import { waitForMmds } from "../../src/metadata/mmds.ts";

const DOCUMENT = { agent_id: "a1", link: "tcp:169.254.0.22:9222", token: "secret" };

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string | undefined;
}

type Reply = readonly [status: number, body: string] | "silence";

/** A metadata service that says what the test says, and remembers what it was asked. */
class Service implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor(answer: (asked: Asked, count: number) => Reply) {
    this.#server = createServer((request, response) => {
      const token = request.headers["x-metadata-token"];
      const asked = { method: request.method!, path: request.url!, token: token?.toString() };
      this.asked.push(asked);
      const reply = answer(asked, this.asked.length);
      if (reply === "silence") return;
      response.writeHead(reply[0], { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(reply[1]) });
      response.end(reply[1]);
    });
  }

  static async start(answer: (asked: Asked, count: number) => Reply): Promise<Service> {
    const service = new Service(answer);
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    return service;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

const isPut = ({ method }: Asked): boolean => method === "PUT";

describe("waiting for metadata", () => {
  it("gets a token first, then asks until the document is there", async () => {
    await using service = await Service.start((asked, count) => {
      if (isPut(asked)) return [200, "t1"];
      return count < 4 ? [404, "Resource not found: /nex."] : [200, JSON.stringify(DOCUMENT)];
    });
    assert.deepEqual(await waitForMmds(service.address), DOCUMENT);
    assert.deepEqual(service.asked, [
      { method: "PUT", path: "/latest/api/token", token: undefined },
      { method: "GET", path: "/nex", token: "t1" },
      { method: "GET", path: "/nex", token: "t1" },
      { method: "GET", path: "/nex", token: "t1" },
    ]);
  });

  it("gets a new token when the old one is no longer known, as after a resume", async () => {
    let tokens = 0;
    await using service = await Service.start((asked) => {
      if (isPut(asked)) return [200, `t${++tokens}`];
      return asked.token === "t1" ? [401, "MMDS token not valid."] : [200, JSON.stringify(DOCUMENT)];
    });
    assert.deepEqual(await waitForMmds(service.address), DOCUMENT);
    assert.equal(tokens, 2);
  });

  it("gives up on a request that is never answered, and asks again", async () => {
    await using service = await Service.start((asked, count) => {
      if (count === 1 || count === 3) return "silence";
      return isPut(asked) ? [200, "t1"] : [200, JSON.stringify(DOCUMENT)];
    });
    assert.deepEqual(await waitForMmds(service.address), DOCUMENT);
  });

  it("waits for a service that is not there yet, until it is told to stop", async () => {
    const gone = await Service.start(() => "silence");
    const { address } = gone;
    await gone[Symbol.asyncDispose]();
    await assert.rejects(waitForMmds(address, AbortSignal.timeout(350)), { name: "TimeoutError" });
  });

  it("hands over what a resumed machine needs", async () => {
    const resume = { unix_ms: 1_795_000_000_123, entropy: "ab".repeat(32) };
    await using service = await Service.start((asked) =>
      isPut(asked) ? [200, "t1"] : [200, JSON.stringify({ ...DOCUMENT, resume })],
    );
    assert.deepEqual((await waitForMmds(service.address)).resume, resume);
  });

  for (const [what, body] of [
    ["no JSON", "hello"],
    ["not an agent's document", '{"agent_id": 7}'],
    ["entropy that is too short", JSON.stringify({ ...DOCUMENT, resume: { unix_ms: 1, entropy: "abcd" } })],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await using service = await Service.start((asked) => (isPut(asked) ? [200, "t1"] : [200, body]));
      await assert.rejects(
        waitForMmds(service.address),
        (error) => error instanceof NexError && error.code === "invalid_request",
      );
    });
  }
});
