import type { Http } from "@nex/functions";
import type { ServiceClient } from "../guest/service-client.ts";
import { HTTP_CODE, HttpMethod } from "./contract.ts";

/** Answers that have no body, by the Fetch standard. */
const NO_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** `ctx.http`. The platform's own Request and Response do what fetch does around the wire. */
export class HttpClient implements Http {
  readonly #client: ServiceClient;

  constructor(client: ServiceClient) {
    this.#client = client;
  }

  /** Bound, because it is also the global `fetch`. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { args, headers, body } = await this.#client.stream(HTTP_CODE, HttpMethod.fetch, {
      args: [request.method, request.url, request.redirect, request.body === null ? "" : "1"],
      headers: [...request.headers],
      ...(request.body === null ? {} : { body: request.body }),
      signal: init?.signal ?? undefined,
    });
    const [status, statusText = "", url = request.url, redirected] = args;
    const code = Number(status);
    if (NO_BODY.has(code)) for await (const _ of body);
    const response = new Response(NO_BODY.has(code) ? null : ReadableStream.from(body), {
      status: code,
      statusText,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
    });
    // The constructor knows no place for these.
    Object.defineProperty(response, "url", { value: url });
    Object.defineProperty(response, "redirected", { value: redirected === "1" });
    return response;
  };
}
