import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { TestSystem } from "../support/system.ts";

/** Runs a snippet in a function; what it throws comes back as its code. */
function caller(body: string): string {
  return `export default async (event, ctx) => {
    const url = event.text();
    try { ${body} } catch (error) { return { code: error.code ?? error.name, message: error.message }; }
  };`;
}

type Listening = AsyncDisposable & { readonly port: number };

async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener);
  return await open(server, () => server.closeAllConnections());
}

async function open(server: Server, closeConnections: () => void = () => undefined): Promise<Listening> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      closeConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Hands on what comes in as it is, and answers when the end of a chunked body was seen. */
async function listenRaw(hear: (text: string) => void): Promise<Listening> {
  const server = createTcpServer((socket) => {
    let last = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      hear(text);
      last = (last + text).slice(-5);
      if (last === "0\r\n\r\n") socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    socket.on("error", () => undefined);
  });
  return await open(server);
}

describe("http in the module form", () => {
  it("speaks like fetch: methods, headers, bytes, statuses", async () => {
    await using server = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        if (request.url === "/gzip") {
          response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("plain again"));
        } else if (request.url === "/none") response.writeHead(204).end();
        else {
          response.writeHead(418, {
            "x-method": request.method,
            "x-url": request.url,
            "x-sent": request.headers["x-sent"] ?? "",
          });
          response.end(body);
        }
      });
    });
    await using system = await TestSystem.start({ hostServices: { http: { allow: ["127.0.0.1"] } } });
    await system.deploy(
      caller(`
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
      const response = await fetch(url + "/a%20b?q=1", { method: "PATCH", headers: { "X-Sent": "mine", Host: "evil" }, body: bytes });
      const back = new Uint8Array(await response.arrayBuffer());
      const head = await ctx.http.fetch(url + "/x", { method: "HEAD" });
      return { status: response.status, ok: response.ok, url: response.url.slice(-10), method: response.headers.get("x-method"),
        asked: response.headers.get("x-url"), sent: response.headers.get("x-sent"), same: back.every((b, n) => b === n) && back.length === 256,
        head: [head.status, (await head.text()).length], gzip: await (await fetch(url + "/gzip")).text(), none: (await fetch(url + "/none")).status };`),
    );
    const reply = await system.request("fn", `http://127.0.0.1:${server.port}`);
    assert.deepEqual(reply.json(), {
      status: 418,
      ok: false,
      url: "/a%20b?q=1",
      method: "PATCH",
      asked: "/a%20b?q=1",
      sent: "mine",
      same: true,
      head: [418, 0],
      gzip: "plain again",
      none: 204,
    });
  });

  it("reaches nothing that is not public, by name, by address or by redirect", async () => {
    let reached = 0;
    await using inner = await listen((_, response) => {
      reached++;
      response.end("secret");
    });
    await using outer = await listen((_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${inner.port}/` }).end();
    });
    await using system = await TestSystem.start({ hostServices: { http: { allow: [`127.0.0.1:${outer.port}`] } } });
    await system.deploy(caller("return await (await fetch(url)).text();"));
    const port = inner.port;
    for (const url of [
      `http://127.0.0.1:${port}/`,
      `http://localhost:${port}/`,
      `http://0:${port}/`,
      `http://0.0.0.0:${port}/`,
      `http://2130706433:${port}/`,
      `http://0x7f.1:${port}/`,
      `http://0177.0.0.1:${port}/`,
      `http://127.1:${port}/`,
      `http://[::1]:${port}/`,
      `http://[::]:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://[::ffff:7f00:1]:${port}/`,
      `http://[64:ff9b::7f00:1]:${port}/`,
      "http://169.254.169.254/latest/meta-data/",
      "http://10.0.0.1/",
      "http://192.168.1.1/",
      "http://100.64.0.1/",
      "http://[fe80::1]/",
      "http://[fd00::1]/",
      "http://224.0.0.1/",
      `http://127.0.0.1:${outer.port}/`,
    ]) {
      const reply = await system.request("fn", url);
      assert.equal(reply.json<{ code?: string }>().code, "http_denied", `${url}: ${reply.string()}`);
    }
    assert.equal(reached, 0);
    for (const url of ["file:///etc/passwd", "ftp://example.org/", "unix:/run/x"]) {
      const reply = await system.request("fn", url);
      assert.equal(reply.json<{ code?: string }>().code, "invalid_request", url);
    }
  });

  it("is told of an answer that is none, and gets its calls back", async () => {
    await using plain = await listen(
      (_, response) => void response.socket?.end("HTTP/1.1 101 So\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    );
    const hostServices = { http: { allow: ["127.0.0.1"], timeout_ms: 60_000 }, max_calls: 64 };
    await using system = await TestSystem.start({ hostServices });
    await system.deploy(
      caller("if (url === '') return (await ctx.kv.put('k', 'v')); return await (await fetch(url)).text();"),
    );
    await Promise.all(
      Array.from({ length: 80 }, async () => {
        const reply = await system.request("fn", `http://127.0.0.1:${plain.port}/`);
        assert.equal(reply.json<{ code?: string }>().code, "http_failed", reply.string());
      }),
    );
    assert.equal((await system.request("fn", "")).string(), "1");
  });

  it("frames every body, so that none is taken for another request", async () => {
    const seen: string[] = [];
    await using server = await listenRaw((text) => seen.push(text));
    await using system = await TestSystem.start({ hostServices: { http: { allow: ["127.0.0.1"] } } });
    await system.deploy(
      `export default async (event, ctx) => {
         const smuggled = "GET /admin HTTP/1.1\\r\\nHost: other\\r\\n\\r\\n";
         const body = smuggled + "x".repeat(1_500_000);
         const response = await ctx.http.fetch(event.text(), { method: "DELETE", body });
         return String(response.status);
       };`,
    );
    assert.equal((await system.request("fn", `http://127.0.0.1:${server.port}/`)).string(), "200");
    assert.match(seen.join(""), /^DELETE [^]*\r\nTransfer-Encoding: chunked\r\n[^]*?\r\n\r\n[0-9a-f]+\r\nGET \/admin/);
  });

  it("limits redirects, time and size, and keeps secrets from other origins", async () => {
    await using other = await listen((request, response) => {
      response.end(
        JSON.stringify({ auth: request.headers.authorization ?? null, kept: request.headers["x-kept"] ?? null }),
      );
    });
    await using server = await listen((request, response) => {
      if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
      else if (request.url === "/elsewhere")
        response.writeHead(307, { location: `http://127.0.0.1:${other.port}/` }).end();
      else if (request.url === "/large") response.end(Buffer.alloc(3_000_000));
      else if (request.url === "/bomb")
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(3_000_000)));
    });
    const http = { allow: ["127.0.0.0/8"], timeout_ms: 500, max_response_bytes: "2MiB" };
    await using system = await TestSystem.start({ hostServices: { http } });
    await system.deploy(
      caller(`return await (await fetch(url, { headers: { Authorization: "Bearer x", "X-Kept": "yes" } })).text();`),
    );
    const get = async (path: string): Promise<Record<string, unknown>> =>
      (await system.request("fn", `http://127.0.0.1:${server.port}${path}`)).json();
    assert.equal((await get("/loop"))["code"], "http_failed");
    assert.deepEqual(await get("/elsewhere"), { auth: null, kept: "yes" });
    assert.equal((await get("/large"))["code"], "too_large");
    assert.equal((await get("/bomb"))["code"], "too_large");
    assert.equal((await get("/silent"))["code"], "timeout");
  });

  it("can be switched off", async () => {
    await using system = await TestSystem.start({ hostServices: { http: { enabled: false } } });
    await system.deploy(caller("return await (await fetch(url)).text();"));
    assert.equal((await system.request("fn", "http://example.org/")).json<{ code: string }>().code, "service_disabled");
  });
});
