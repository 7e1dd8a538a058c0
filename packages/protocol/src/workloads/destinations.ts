import { isIPv4 } from "node:net";
import { NexError } from "../errors.ts";

/** A place a service may be connected to (`--connect host:port`). */
export interface Destination {
  /** Lower case: a name, or a loopback address such as `127.0.0.1`. */
  readonly host: string;
  readonly port: number;
}

const FORM = /^([^:\s]+|\[[^\]\s]*\]):(\d{1,5})$/;
const MAX_NAME_LENGTH = 253;
const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/** Resolvers take a name whose last part is a number, `10.1` or `0x7f000001`, for an address in an old spelling. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/** Reads `db.example.com:5432`. @throws NexError `invalid_request` */
export function parseDestination(text: string): Destination {
  const [, given = "", digits = ""] = FORM.exec(text) ?? [];
  const host = given.toLowerCase();
  const port = Number(digits);
  if (host === "") throw refusal(text, "write a host name and a port, such as db.example.com:5432");
  if (port < 1 || port > 65_535) throw refusal(text, "a port is a number from 1 to 65535");
  if (host.startsWith("[")) throw refusal(text, ADDRESS);
  if (ENDS_IN_NUMBER.test(host) && !isLoopbackHost(host)) throw refusal(text, ADDRESS);
  if (host.length > MAX_NAME_LENGTH || !NAME.test(host)) throw refusal(text, "that is not a host name");
  return { host, port };
}

const ADDRESS =
  "an address cannot appear inside a sandbox, only a name can (or an IPv4 loopback address). Use the machine's host name";

export function formatDestination({ host, port }: Destination): string {
  return `${host}:${port}`;
}

/** `localhost`, or an address of 127.0.0.0/8. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || (isIPv4(host) && host.startsWith("127."));
}

function refusal(text: string, why: string): NexError {
  const shown = text.slice(0, 80);
  return new NexError("invalid_request", `The destination "${shown}" cannot be connected to: ${why}.`, {
    data: { field: "connect", value: shown },
  });
}
