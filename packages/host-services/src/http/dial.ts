import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { NexError } from "@nex/protocol";
import { resolveName } from "./name-resolver.ts";
import type { HttpReach } from "./reach.ts";

export interface DialOrder {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Whole, or piece by piece. */
  readonly body: Buffer | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

/**
 * No connection is kept: one that was opened for a workload that may reach a place must never serve one that may not.
 */
const http = new HttpAgent({ keepAlive: false });
const https = new HttpsAgent({ keepAlive: false });

/** Sends one request to an address that was checked, and to no other. @throws NexError `http_denied`, `http_failed` */
export async function dial(order: DialOrder, reach: HttpReach): Promise<IncomingMessage> {
  const { url, method, headers, body, signal } = order;
  const isTls = url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  // An address in the URL is connected to without any look-up.
  const isDenied = isIP(host) === 0 ? reach.rulesOut(host, port) : !reach.allows(host, host, port);
  if (isDenied) throw reach.refusal(host, port);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (isTls ? httpsRequest : httpRequest)(url, {
    method,
    agent: isTls ? https : http,
    // Beside a list of headers Node writes none of its own.
    headers: ["Host", url.host, ...headers.flat()],
    lookup: checkedLookup(host, port, reach, signal),
    signal,
  });
  request.once("response", resolve);
  // More than one may come: of the look-up, and of what it ended.
  request.on("error", (error) => reject(dialError(error, url, signal)));
  // Nobody here speaks another protocol, and nothing else is told of such an answer.
  request.once("upgrade", (_, socket) => socket.destroy());
  request.once("close", () => reject(dialError(new Error("it did not answer with HTTP"), url, signal)));
  send(request, body, reject);
  return await promise;
}

/** Resolves a name and hands on only addresses that may be reached: what is checked is what is connected to. */
function checkedLookup(host: string, port: number, reach: HttpReach, signal: AbortSignal): LookupFunction {
  return (hostname, options, callback) => {
    const answer = async (): Promise<void> => {
      try {
        const addresses = await resolveName(hostname, signal);
        const open = addresses.filter(({ address }) => reach.allows(host, address, port));
        const [first] = open;
        if (first === undefined) callback(reach.refusal(host, port), "", 4);
        else if (options.all === true) callback(null, open);
        else callback(null, first.address, first.family);
      } catch (error) {
        callback(error as NodeJS.ErrnoException, "", 4);
      }
    };
    void answer();
  };
}

function send(request: ClientRequest, body: DialOrder["body"], reject: (error: unknown) => void): void {
  if (body === undefined || Buffer.isBuffer(body)) {
    request.end(body);
    return;
  }
  void (async () => {
    try {
      for await (const chunk of body) {
        if (!request.write(chunk)) await whenWritable(request);
        if (request.destroyed) return;
      }
      request.end();
    } catch (error) {
      request.destroy();
      reject(error);
    }
  })();
}

async function whenWritable(request: ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  request.once("drain", resolve).once("close", resolve);
  await promise;
  request.off("drain", resolve).off("close", resolve);
}

function dialError(error: NodeJS.ErrnoException, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof NexError) return error;
  const why =
    error instanceof AggregateError ? error.errors.map((each) => (each as Error).message).join("; ") : error.message;
  // OpenSSL's texts go over several lines.
  const [line] = (why || String(error.code)).trim().split("\n", 1);
  return new NexError("http_failed", `${url.origin} cannot be reached: ${line}.`, { cause: error });
}
