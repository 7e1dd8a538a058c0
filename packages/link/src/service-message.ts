import { type HeaderList, headersLength, readHeaders, readText, writeHeaders, writeText } from "./trigger-message.ts";

/**
 * The bodies of a host service's call on a runner's link. No JSON, and no name of whoever calls: that is the link's
 * business. Arguments are positional texts; what they mean is each service's own contract.
 *
 * ```text
 * request:  service u8 │ method u8 │ flags u8 │ 0 │ arguments │ headers │ payload
 * reply:    arguments │ headers │ payload
 * arguments: count u32, then for each: length u32 │ text
 * ```
 *
 * A reply with a body of any length comes as stream data instead: its head (u32 length, then arguments and headers),
 * then the body; the empty reply that follows says that it was whole.
 */
export const SERVICE_CODE = 80;

/** The caller takes and sends bodies inside the frames, cut off at one message's size: it cannot stream. */
export const WHOLE_FLAG = 1;

export interface ServiceRequest {
  readonly service: number;
  readonly method: number;
  readonly flags: number;
  readonly args: readonly string[];
  readonly headers: HeaderList;
  readonly payload: Buffer;
}

export interface ServiceAnswer {
  readonly args: readonly string[];
  readonly headers: HeaderList;
  readonly payload: Buffer;
}

const NONE: readonly string[] = [];
const NO_HEADERS: HeaderList = [];

/** Far more than any method has; more would be an attempt to have the reader make a huge list. */
const MAX_ARGUMENTS = 64;

/** Head of an answer that has neither arguments nor headers, made once. */
const EMPTY_HEAD: Buffer = Buffer.alloc(8);

export function encodeServiceRequest(
  service: number,
  method: number,
  flags: number,
  args: readonly string[] = NONE,
  headers: HeaderList = NO_HEADERS,
): Buffer {
  const head = Buffer.allocUnsafe(4 + argumentsLength(args) + headersLength(headers));
  head[0] = service;
  head[1] = method;
  head[2] = flags;
  head[3] = 0;
  writeHeaders(head, writeArguments(head, 4, args), headers);
  return head;
}

/** @throws RangeError when the body is cut short */
export function decodeServiceRequest(body: Buffer): ServiceRequest {
  if (body.length < 4) throw new RangeError("The message is cut short.");
  const { args, headers, payload } = readParts(body, 4);
  return { service: body[0]!, method: body[1]!, flags: body[2]!, args, headers, payload };
}

export function encodeServiceAnswer(args: readonly string[] = NONE, headers: HeaderList = NO_HEADERS): Buffer {
  if (args.length === 0 && headers.length === 0) return EMPTY_HEAD;
  const head = Buffer.allocUnsafe(argumentsLength(args) + headersLength(headers));
  writeHeaders(head, writeArguments(head, 0, args), headers);
  return head;
}

/** @throws RangeError when the body is cut short */
export function decodeServiceAnswer(body: Buffer): ServiceAnswer {
  return readParts(body, 0);
}

function readParts(body: Buffer, start: number): ServiceAnswer {
  const { args, end: afterArguments } = readArguments(body, start);
  const { headers, end } = readHeaders(body, afterArguments);
  return { args, headers, payload: body.subarray(end) };
}

function argumentsLength(args: readonly string[]): number {
  let length = 4;
  for (const text of args) length += 4 + Buffer.byteLength(text);
  return length;
}

function writeArguments(into: Buffer, at: number, args: readonly string[]): number {
  let offset = into.writeUInt32LE(args.length, at);
  for (const text of args) offset = writeText(into, offset, text);
  return offset;
}

function readArguments(body: Buffer, at: number): { readonly args: readonly string[]; readonly end: number } {
  const count = body.readUInt32LE(at);
  let offset = at + 4;
  if (count === 0) return { args: NONE, end: offset };
  if (count > MAX_ARGUMENTS) throw new RangeError("The message has too many arguments.");
  const args: string[] = [];
  for (let index = 0; index < count; index++) {
    const [text, end] = readText(body, offset + 4, body.readUInt32LE(offset));
    args.push(text);
    offset = end;
  }
  return { args, end: offset };
}
