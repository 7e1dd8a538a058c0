/**
 * The two bodies of the trigger path. No JSON: the subject and the headers are length-prefixed, the payload
 * is what remains. All numbers are u32, so that whatever NATS can carry has a form here.
 *
 * ```text
 * trigger:  pattern index │ subject length │ subject │ headers │ payload
 * reply:    headers │ payload
 * headers:  count, then for each: name length │ name │ value length │ value
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
const NO_HEADERS_HEAD: Buffer = Buffer.alloc(4);

export function encodeTriggerHead(patternIndex: number, subject: string, headers: HeaderList = NO_HEADERS): Buffer {
  const subjectBytes = Buffer.byteLength(subject);
  const head = Buffer.allocUnsafe(8 + subjectBytes + headersLength(headers));
  head.writeUInt32LE(patternIndex, 0);
  head.writeUInt32LE(subjectBytes, 4);
  head.write(subject, 8, "utf8");
  writeHeaders(head, 8 + subjectBytes, headers);
  return head;
}

/** @throws RangeError when the body is cut short */
export function decodeTrigger(body: Buffer): TriggerMessage {
  const [subject, afterSubject] = readText(body, 8, body.readUInt32LE(4));
  const { headers, end } = readHeaders(body, afterSubject);
  return { patternIndex: body.readUInt32LE(0), subject, headers, payload: body.subarray(end) };
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

export function headersLength(headers: HeaderList): number {
  let length = 4;
  for (const [name, value] of headers) length += 8 + Buffer.byteLength(name) + Buffer.byteLength(value);
  return length;
}

export function writeHeaders(into: Buffer, at: number, headers: HeaderList): void {
  let offset = into.writeUInt32LE(headers.length, at);
  for (const [name, value] of headers) {
    offset = writeText(into, offset, name);
    offset = writeText(into, offset, value);
  }
}

/** Writes a text behind its length; returns where it ends. */
export function writeText(into: Buffer, at: number, text: string): number {
  const bytes = into.write(text, at + 4, "utf8");
  into.writeUInt32LE(bytes, at);
  return at + 4 + bytes;
}

/** @throws RangeError when the body is cut short */
export function readHeaders(body: Buffer, at: number): { readonly headers: HeaderList; readonly end: number } {
  const count = body.readUInt32LE(at);
  let offset = at + 4;
  if (count === 0) return { headers: NO_HEADERS, end: offset };
  const headers: [string, string][] = [];
  for (let index = 0; index < count; index++) {
    const [name, afterName] = readText(body, offset + 4, body.readUInt32LE(offset));
    const [value, afterValue] = readText(body, afterName + 4, body.readUInt32LE(afterName));
    headers.push([name, value]);
    offset = afterValue;
  }
  return { headers, end: offset };
}

/** @throws RangeError when the body is cut short */
export function readText(body: Buffer, start: number, length: number): [text: string, end: number] {
  const end = start + length;
  if (end > body.length) throw new RangeError("The message is cut short.");
  return [body.toString("utf8", start, end), end];
}
