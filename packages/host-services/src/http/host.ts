import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { HeaderList } from "@nex/link";
import { isNexError, NexError } from "@nex/protocol";
import type { HttpConfig } from "../host/config.ts";
import type { HostService, OpenService, ServiceCall, ServiceReply } from "../host/service.ts";
import { HTTP_CODE, HttpMethod } from "./contract.ts";
import { dial } from "./dial.ts";
import { HttpReach } from "./reach.ts";

export const httpHost: HostService = {
  name: "http",
  code: HTTP_CODE,
  methods: HttpMethod,
  usesNats: false,
  isEnabled: (config) => config.http.enabled,
  open: ({ config }) => new HttpHost(config.http),
};

/** Headers that belong to one connection, or that Node writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(
  "host connection keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade expect content-length".split(
    " ",
  ),
);

/** Headers that another origin has no business seeing. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/** A body up to this size can be sent again where a redirect asks for it. */
const REPLAY_BYTES = 1024 * 1024;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

class HttpHost implements OpenService {
  readonly #config: HttpConfig;
  readonly #reach: HttpReach;

  constructor(config: HttpConfig) {
    this.#config = config;
    this.#reach = new HttpReach(config);
  }

  async call(call: ServiceCall): Promise<ServiceReply> {
    if (call.method !== HttpMethod.fetch)
      throw new NexError("unknown_method", `The http service has no method ${call.method}.`);
    const [method = "GET", url = "", redirect = "follow", hasBody] = call.args;
    if (!TOKEN.test(method) || /^(CONNECT|TRACE|TRACK)$/i.test(method))
      throw new NexError("invalid_request", `"${method.slice(0, 40)}" is not an HTTP method that can be used here.`);
    const time = AbortSignal.timeout(this.#config.timeout_ms);
    const signal = AbortSignal.any([call.signal, time]);
    try {
      return await this.#fetch({
        method,
        url: readUrl(url),
        redirect,
        headers: call.headers.filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()) && TOKEN.test(name)),
        body: hasBody === "1" ? await startOf(call.body) : undefined,
        signal,
      });
    } catch (error) {
      throw httpError(error, time, this.#config, url);
    }
  }

  async #fetch(order: Omit<Exchange, "redirects">): Promise<ServiceReply> {
    let exchange: Exchange = { ...order, redirects: 0 };
    for (;;) {
      const response = await dial({ ...exchange, headers: withDefaults(exchange.headers, exchange.body) }, this.#reach);
      const location = redirectOf(response);
      if (location === undefined || exchange.redirect === "manual") return this.#answer(exchange, response);
      response.destroy();
      exchange = follow(exchange, response.statusCode ?? 0, location, this.#config.max_redirects);
    }
  }

  #answer({ url, redirects, method, signal }: Exchange, response: IncomingMessage): ServiceReply {
    const { statusCode = 0, statusMessage = "" } = response;
    const encoding = response.headers["content-encoding"]?.toLowerCase() ?? "";
    const isEmpty = method === "HEAD" || statusCode === 204 || statusCode === 304;
    const decoded = isEmpty ? undefined : decode(response, encoding);
    const headers: [string, string][] = [];
    for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
      const name = response.rawHeaders[index]!;
      if (decoded !== undefined && /^content-(encoding|length)$/i.test(name)) continue;
      headers.push([name, response.rawHeaders[index + 1]!]);
    }
    return {
      args: [String(statusCode), statusMessage, url.href, redirects > 0 ? "1" : ""],
      headers,
      body: limited(decoded ?? response, this.#config, signal),
    };
  }
}

interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly redirect: string;
  readonly headers: HeaderList;
  readonly body: Buffer | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
  readonly redirects: number;
}

function redirectOf(response: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(response.statusCode ?? 0) ? response.headers.location : undefined;
}

/** The next request, by the rules of fetch. @throws NexError `http_failed` */
function follow(exchange: Exchange, status: number, location: string, limit: number): Exchange {
  const { method, url, redirect, redirects } = exchange;
  if (redirect === "error")
    throw new NexError("http_failed", `${url.origin} answered with a redirect, which this request does not follow.`);
  if (redirects >= limit)
    throw new NexError("http_failed", `More than ${limit} redirects, the last from ${url.origin}.`);
  const next = readUrl(location, url);
  const isRewritten =
    (status === 303 && method !== "HEAD") || ((status === 301 || status === 302) && method === "POST");
  if (!isRewritten && exchange.body !== undefined && !Buffer.isBuffer(exchange.body)) {
    throw new NexError(
      "http_failed",
      `${url.origin} redirects a request whose body has more than ${REPLAY_BYTES} bytes and cannot be sent twice.`,
    );
  }
  const isElsewhere = next.origin !== url.origin;
  const headers = exchange.headers.filter(
    ([name]) => !(isElsewhere && SECRET_HEADERS.has(name.toLowerCase())) && !(isRewritten && /^content-/i.test(name)),
  );
  return {
    ...exchange,
    url: next,
    headers,
    method: isRewritten ? "GET" : method,
    body: isRewritten ? undefined : exchange.body,
    redirects: redirects + 1,
  };
}

/** @throws NexError `invalid_request` */
function readUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== "") {
    url.username = "";
    url.password = "";
    url.hash = "";
    return url;
  }
  throw new NexError("invalid_request", `"${text.slice(0, 200)}" is not an http or https URL.`);
}

/** Small bodies whole, so that they can be sent again; of larger ones only the start. */
async function startOf(body: AsyncIterable<Uint8Array>): Promise<Buffer | AsyncIterable<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  const rest = body[Symbol.asyncIterator]();
  let size = 0;
  while (size <= REPLAY_BYTES) {
    const { done, value } = await rest.next();
    if (done === true) return Buffer.concat(chunks);
    chunks.push(value);
    size += value.length;
  }
  return (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield* chunks;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  })();
}

function withDefaults(headers: HeaderList, body: Exchange["body"]): HeaderList {
  const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
  return [
    ...headers,
    ...(has("accept") ? [] : [["Accept", "*/*"] as const]),
    ...(has("accept-encoding") ? [] : [["Accept-Encoding", "gzip, deflate, br"] as const]),
    ...(has("user-agent") ? [] : [["User-Agent", "nex"] as const]),
    ...framing(body),
  ];
}

/** Without one or the other Node sends the body of a GET as it is, and a server may take it for another request. */
function framing(body: Exchange["body"]): HeaderList {
  if (body === undefined) return [];
  return Buffer.isBuffer(body) ? [["Content-Length", String(body.length)]] : [["Transfer-Encoding", "chunked"]];
}

function decode(response: IncomingMessage, encoding: string): Readable | undefined {
  const decoder =
    encoding === "gzip" || encoding === "x-gzip"
      ? createGunzip()
      : encoding === "deflate"
        ? createInflate()
        : encoding === "br"
          ? createBrotliDecompress()
          : undefined;
  // Errors of either end the decoder's output, where they are seen.
  return decoder === undefined ? undefined : pipeline(response, decoder, () => undefined);
}

async function* limited(
  body: Readable,
  config: HttpConfig,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  const stop = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > config.max_response_bytes) {
        throw new NexError(
          "too_large",
          `The answer has more than ${config.max_response_bytes} bytes, the limit of this node (host_services.http.max_response_bytes).`,
          { data: { limit: config.max_response_bytes } },
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (isNexError(error)) throw error;
    if (signal.aborted)
      throw new NexError(
        "timeout",
        `The answer was not whole after ${config.timeout_ms} ms, the limit of this node (host_services.http.timeout_ms).`,
      );
    throw new NexError("http_failed", `The answer broke off: ${(error as Error).message}.`, { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
    body.destroy();
  }
}

function httpError(error: unknown, time: AbortSignal, config: HttpConfig, url: string): unknown {
  if (isNexError(error)) return error;
  if (time.aborted) {
    const origin = URL.canParse(url) ? new URL(url).origin : "The server";
    return new NexError(
      "timeout",
      `${origin} did not answer within ${config.timeout_ms} ms, the limit of this node (host_services.http.timeout_ms).`,
    );
  }
  return new NexError("http_failed", `The request failed: ${(error as Error).message}.`, { cause: error });
}
