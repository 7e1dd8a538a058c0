import { connect } from "node:net";

export interface HttpRequest {
  readonly host: string;
  readonly port: number;
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** No answer in time. */
export class SilenceError extends Error {}

/** Far more than our document takes. */
const MAX_ANSWER_BYTES = 65_536;

/**
 * One request to a metadata service, on a connection of its own: after a resume the other end of an old one is gone.
 * By hand, because it is done once and node:http takes most of a second to load and run for that where machines are
 * emulated; and such a service answers plainly, with a length.
 * @param patienceMs for connection and answer together
 * @throws SilenceError; Error for a refused connection or what is no answer
 */
export async function exchange(request: HttpRequest, patienceMs: number): Promise<HttpAnswer> {
  const { host, port, method, path, headers } = request;
  const socket = connect(port, host).setEncoding("latin1");
  const timer = setTimeout(() => socket.destroy(new SilenceError("No answer in time.")), patienceMs);
  try {
    const lines = Object.entries({ Host: host, Connection: "close", ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`);
    let text = "";
    for await (const chunk of socket as AsyncIterable<string>) {
      text += chunk;
      const answer = parseAnswer(text);
      if (answer !== undefined) return answer;
      if (text.length > MAX_ANSWER_BYTES) throw new Error("The metadata service's answer has no end.");
    }
    throw new Error("The metadata service closed the connection in the middle of an answer.");
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** `undefined` until all of it is there. */
function parseAnswer(text: string): HttpAnswer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const head = text.slice(0, end);
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  const length = /^content-length: *(\d+) *$/im.exec(head)?.[1];
  if (status === undefined || length === undefined)
    throw new Error("The metadata service does not speak HTTP as it should.");
  const bytes = text.slice(end + 4, end + 4 + Number(length));
  if (bytes.length < Number(length)) return undefined;
  return { status: Number(status), body: Buffer.from(bytes, "latin1").toString() };
}
