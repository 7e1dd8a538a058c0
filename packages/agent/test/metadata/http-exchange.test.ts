import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, it } from "node:test";
import fc from "fast-check";
import { exchange, type HttpAnswer, SilenceError } from "../../src/metadata/http-exchange.ts";

const REQUEST = { host: "127.0.0.1", method: "GET", path: "/nex", headers: { Accept: "application/json" } } as const;

/** Asks somebody who writes `pieces`, one after the other, and then closes, unless it is to stay open. */
async function ask(pieces: readonly Buffer[], { closes = true, patienceMs = 10_000 } = {}): Promise<HttpAnswer> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      asked.push(data.toString());
      void writeAll(socket, pieces).then(() => closes && socket.end());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await exchange({ ...REQUEST, port: (server.address() as AddressInfo).port }, patienceMs);
  } finally {
    assert.deepEqual(asked, [
      "GET /nex HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAccept: application/json\r\n\r\n",
    ]);
    server.close();
  }
}

async function writeAll(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await turn();
  }
}

const answer = (body: string, head = "HTTP/1.1 200 OK\r\nServer: Firecracker API\r\n"): Buffer =>
  Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

describe("an exchange with a metadata service", () => {
  it("brings status and text, in however many pieces they come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary", maxLength: 50 }),
        fc.array(fc.nat(150), { maxLength: 5 }),
        async (body, cuts) => {
          const bytes = answer(body);
          const ends = [...new Set([...cuts, bytes.length])].filter((end) => end <= bytes.length).sort((a, b) => a - b);
          const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
          assert.deepEqual(await ask(pieces), { status: 200, body });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("ends with the answer, though the connection stays open", async () => {
    const pieces = [answer("{}", "HTTP/1.0 404 \r\nConnection: keep-alive\r\n")];
    assert.deepEqual(await ask(pieces, { closes: false }), { status: 404, body: "{}" });
  });

  for (const [what, text] of Object.entries({
    nothing: "",
    "half an answer": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal",
    "another protocol": "SSH-2.0-OpenSSH\r\n\r\n",
    "an answer without a length": "HTTP/1.1 200 OK\r\n\r\nhello",
    "an answer without an end": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`,
  })) {
    it(`fails on ${what}`, async () => {
      await assert.rejects(ask([Buffer.from(text)]), /^Error: The metadata service/);
    });
  }

  it("fails on silence when its patience is over", async () => {
    await assert.rejects(ask([], { closes: false, patienceMs: 30 }), SilenceError);
  });

  it("fails where nobody listens", async () => {
    await assert.rejects(exchange({ ...REQUEST, port: 1 }, 10_000), { code: "ECONNREFUSED" });
  });
});
