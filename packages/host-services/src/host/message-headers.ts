import type { HeaderList } from "@nex/link";
import { headers as newHeaders, type Msg, type MsgHdrs } from "@nats-io/transport-node";

/** Headers that speak for the NATS server or for the node; a guest may not set them. */
const RESERVED_HEADER = /^nats-/i;

/** Headers of a message as the link carries them; `undefined` if it has none. */
export function readHeaders(message: Msg): HeaderList | undefined {
  const { headers } = message;
  if (headers === undefined) return undefined;
  const list: [string, string][] = [];
  for (const [name, values] of headers) for (const value of values) list.push([name, value]);
  return list;
}

/** A guest's headers for NATS. Names and values it may not send are left out. */
export function writeHeaders(list: HeaderList): MsgHdrs | undefined {
  if (list.length === 0) return undefined;
  const headers = newHeaders();
  for (const [name, value] of list) {
    if (RESERVED_HEADER.test(name)) continue;
    try {
      headers.append(name, value);
    } catch {
      // Not a header NATS can carry. The guest side checks this for honest guests and tells them.
    }
  }
  return headers;
}
