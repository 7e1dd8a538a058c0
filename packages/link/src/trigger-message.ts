/**
 * The two bodies of the trigger path. No JSON: the subject and the headers are length-prefixed, the payload
 * is what remains.
 *
 * ```text
 * trigger:  u16 pattern index │ u16 subject length │ subject │ headers │ payload
 * reply:    headers │ payload
 * headers:  u16 count, then for each: u16 name length │ name │ u32 value length │ value
 * ```
 */
export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface TriggerMessage {
  /** Which of the workload's trigger subjects took the message in. */
  readonly patternIndex: number;
  readonly subject: string;
  readonly headers: HeaderList;
  readonly payload: Buffer;
}

const NO_HEADERS: HeaderList = [];

/** Head of a reply without headers, made once. */
const NO_HEADERS_HEAD: Buffer = Buffer.alloc(2);

export function encodeTriggerHead(patternIndex: number, subject: string, headers: HeaderList = NO_HEADERS): Buffer {
  const subjectBytes = Buffer.byteLength(subject);
  const head = Buffer.allocUnsafe(4 + subjectBytes + headersLength(headers));
  head.writeUInt16LE(patternIndex, 0);
  head.writeUInt16LE(subjectBytes, 2);
  head.write(subject, 4, "utf8");
  writeHeaders(head, 4 + subjectBytes, headers);
  return head;
}

export function decodeTrigger(body: Buffer): TriggerMessage {
  const subjectBytes = body.readUInt16LE(2);
  const subject = body.toString("utf8", 4, 4 + subjectBytes);
  const { headers, end } = readHeaders(body, 4 + subjectBytes);
  return { patternIndex: body.readUInt16LE(0), subject, headers, payload: body.subarray(end) };
}

export function encodeReplyHead(headers: HeaderList = NO_HEADERS): Buffer {
  if (headers.length === 0) return NO_HEADERS_HEAD;
  const head = Buffer.allocUnsafe(headersLength(headers));
  writeHeaders(head, 0, headers);
  return head;
}

/** @throws RangeError when the body is cut short */
export function decodeReply(body: Buffer): { readonly headers: HeaderList; readonly payload: Buffer } {
  const { headers, end } = readHeaders(body, 0);
  return { headers, payload: body.subarray(end) };
}

function headersLength(headers: HeaderList): number {
  let length = 2;
  for (const [name, value] of headers) length += 6 + Buffer.byteLength(name) + Buffer.byteLength(value);
  return length;
}

function writeHeaders(into: Buffer, at: number, headers: HeaderList): void {
  let offset = into.writeUInt16LE(headers.length, at);
  for (const [name, value] of headers) {
    const nameBytes = into.write(name, offset + 2, "utf8");
    into.writeUInt16LE(nameBytes, offset);
    offset += 2 + nameBytes;
    const valueBytes = into.write(value, offset + 4, "utf8");
    into.writeUInt32LE(valueBytes, offset);
    offset += 4 + valueBytes;
  }
}

function readHeaders(body: Buffer, at: number): { readonly headers: HeaderList; readonly end: number } {
  const count = body.readUInt16LE(at);
  let offset = at + 2;
  if (count === 0) return { headers: NO_HEADERS, end: offset };
  const headers: [string, string][] = [];
  for (let index = 0; index < count; index++) {
    const [name, afterName] = readText(body, offset + 2, body.readUInt16LE(offset));
    const [value, afterValue] = readText(body, afterName + 4, body.readUInt32LE(afterName));
    headers.push([name, value]);
    offset = afterValue;
  }
  return { headers, end: offset };
}

function readText(body: Buffer, start: number, length: number): [text: string, end: number] {
  const end = start + length;
  if (end > body.length) throw new RangeError("The header list is longer than its frame.");
  return [body.toString("utf8", start, end), end];
}
