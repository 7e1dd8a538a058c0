import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { plainText, valueAt } from "./metadata-answer.ts";
import { MetadataTokens, TOKEN_TTL_S } from "./metadata-tokens.ts";

export interface MetadataServerOptions {
  /**
   * What stands at `/nex`, asked for each time anybody looks there or above; nothing is there while it is `undefined`.
   * A guest that asks has booted as far as its agent.
   */
  readonly document: () => unknown;
  /** A unix socket; left out, a port of 127.0.0.1 that the system chooses. */
  readonly socket?: string;
}

const TOKEN_PATH = "/latest/api/token";
/** The second spelling of each is that of EC2's service, which Firecracker takes as well. */
const TTL_HEADERS = ["x-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token-ttl-seconds"];
const TOKEN_HEADERS = ["x-metadata-token", "x-aws-ec2-metadata-token"];

/** A guest's requests have a few short headers and no body. */
const LIMITS = { maxHeaderSize: 4096, headersTimeout: 5000, requestTimeout: 5000, connectionsCheckingInterval: 1000 };
const MOST_CONNECTIONS = 16;

/**
 * The metadata service of one virtual machine that has none of its own: as Firecracker's MMDS, version 2, answers.
 * A token comes first and without one nothing is told, so that a program which only forwards requests for others
 * gives nothing away. The guest is hostile: requests are bounded in size, time and number.
 */
export class MetadataServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #document: () => unknown;
  readonly #tokens: MetadataTokens = new MetadataTokens();

  private constructor(document: () => unknown) {
    this.#document = document;
    this.#server = createServer({ ...LIMITS, keepAlive: false }, (request, response) => {
      // What a guest sends after its headers is not read: the connection ends with the answer.
      response.on("finish", () => request.socket.destroySoon());
      this.#answer(request, response);
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  static async listen({ document, socket }: MetadataServerOptions): Promise<MetadataServer> {
    const server = new MetadataServer(document);
    if (socket === undefined) server.#server.listen(0, "127.0.0.1");
    else server.#server.listen(socket);
    await once(server.#server, "listening");
    return server;
  }

  /** Where it listens, if that is a port. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === "PUT") this.#giveToken(request, response);
    else if (request.method === "GET") this.#tell(request, response);
    else send(response, 405, "Method not allowed.", { Allow: "GET, PUT" });
  }

  #giveToken(request: IncomingMessage, response: ServerResponse): void {
    if (pathOf(request) !== TOKEN_PATH) return send(response, 404, `Resource not found: ${pathOf(request)}.`);
    if (request.headers["x-forwarded-for"] !== undefined)
      return send(response, 400, "Invalid header. Reason: Unsupported header name. Key: X-Forwarded-For.");
    const ttl = header(request, TTL_HEADERS);
    if (ttl === undefined) {
      return send(
        response,
        400,
        "Token time to live value not found. Use `X-metadata-token-ttl-seconds` header to specify the token's lifetime.",
      );
    }
    const token = this.#tokens.issue(ttl);
    if (token === undefined) {
      const { least, most } = TOKEN_TTL_S;
      return send(response, 400, `Invalid time to live value provided for token: ${ttl}. Must be ${least} to ${most}.`);
    }
    send(response, 200, token);
  }

  #tell(request: IncomingMessage, response: ServerResponse): void {
    const token = header(request, TOKEN_HEADERS);
    if (token === undefined) {
      return send(response, 401, "No MMDS token provided. Use `X-metadata-token` header to specify the session token.");
    }
    if (!this.#tokens.accepts(token)) return send(response, 401, "MMDS token not valid.");
    const document = this.#document();
    const path = pathOf(request);
    const value = valueAt(document === undefined ? {} : { nex: document }, path);
    if (value === undefined) return send(response, 404, `Resource not found: ${path}.`);
    if (/\bapplication\/json\b/.test(request.headers.accept ?? ""))
      return send(response, 200, JSON.stringify(value), { "Content-Type": "application/json" });
    const text = plainText(value);
    if (text === undefined)
      return send(response, 501, `Cannot retrieve value. The value has an unsupported type: ${typeof value}.`);
    send(response, 200, text);
  }
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return url.replace(/[?#].*$/s, "");
}

function header(request: IncomingMessage, names: readonly string[]): string | undefined {
  return names.map((name) => request.headers[name]).find((value) => typeof value === "string");
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    "Content-Type": "text/plain",
    "Content-Length": bytes.length,
    Connection: "close",
    ...headers,
  });
  response.end(bytes);
}
