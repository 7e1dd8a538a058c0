import { randomBytes } from "node:crypto";
import { NexError } from "../errors.ts";
import { decodeBase32, encodeBase32 } from "./base32.ts";
import { crc16 } from "./crc16.ts";

/** What a key stands for; the first letter of its public text. `curve` keys seal, all others sign. */
export type NkeyRole = "account" | "server" | "user" | "curve" | "operator" | "cluster";

/** First byte of a public key's binary form, as in nats-io/nkeys. */
const PREFIX: Readonly<Record<NkeyRole, number>> = {
  account: 0x00,
  cluster: 0x10,
  server: 0x68,
  operator: 0x70,
  user: 0xa0,
  curve: 0xb8,
};
const ROLES: ReadonlyMap<number, NkeyRole> = new Map(
  (Object.keys(PREFIX) as NkeyRole[]).map((role) => [PREFIX[role], role]),
);

const SEED_PREFIX = 0x90;
const KEY_BYTES = 32;
const CRC_BYTES = 2;

/** Text of a public key: 56 characters of base32. @throws NexError `invalid_request` unless `key` is 32 bytes */
export function encodePublic(role: NkeyRole, key: Uint8Array): string {
  return encode([PREFIX[role]], key);
}

/** Reads a public key's text. @throws NexError `invalid_request` */
export function decodePublic(text: string): { role: NkeyRole; key: Uint8Array } {
  const bytes = decode(text, 1);
  const role = ROLES.get(bytes?.[0] ?? -1);
  if (bytes === undefined || role === undefined) {
    const shown = text.slice(0, 60);
    throw new NexError(
      "invalid_request",
      `"${shown}" is not a public nkey: 56 characters A-Z and 2-7 with a check sum are expected.`,
      { data: { key: shown } },
    );
  }
  return { role, key: bytes.slice(1) };
}

/** A fresh seed (private key) as text: 58 characters that begin with `S`. */
export function createSeed(role: NkeyRole): string {
  return encodeSeed(role, randomBytes(KEY_BYTES));
}

/** Text of a seed. @throws NexError `invalid_request` unless `raw` is 32 bytes */
export function encodeSeed(role: NkeyRole, raw: Uint8Array): string {
  const prefix = PREFIX[role];
  return encode([SEED_PREFIX | (prefix >> 5), (prefix & 31) << 3], raw);
}

/**
 * Reads a seed's text. White space around it and line ends inside are ignored, as the Go nkeys library
 * does, because key files often end in a newline. The error never shows the text: it may be a secret.
 *
 * @throws NexError `invalid_request`
 */
export function decodeSeed(seed: string): { role: NkeyRole; raw: Uint8Array } {
  const bytes = decode(seed.replaceAll(/[\r\n]/g, "").trim(), 2);
  const [first = 0, second = 0] = bytes ?? [];
  const role = (first & 0xf8) === SEED_PREFIX ? ROLES.get(((first & 7) << 5) | (second >> 3)) : undefined;
  if (bytes === undefined || role === undefined) {
    throw new NexError(
      "invalid_request",
      "This is not an nkey seed: 58 characters A-Z and 2-7 that begin with S, with a check sum, are expected.",
    );
  }
  return { role, raw: bytes.slice(2) };
}

function encode(prefix: readonly number[], key: Uint8Array): string {
  if (key.length !== KEY_BYTES) {
    throw new NexError("invalid_request", `A key has ${KEY_BYTES} bytes; ${key.length} were given.`);
  }
  const checked = new Uint8Array([...prefix, ...key]);
  const crc = crc16(checked);
  return encodeBase32(new Uint8Array([...checked, crc & 0xff, crc >> 8]));
}

/** Prefix and key without the check sum, or `undefined` where length, alphabet or check sum are wrong. */
function decode(text: string, prefixBytes: number): Uint8Array | undefined {
  const length = prefixBytes + KEY_BYTES + CRC_BYTES;
  if (text.length !== Math.ceil((length * 8) / 5)) return undefined;
  const bytes = decodeBase32(text);
  if (bytes === undefined) return undefined;
  const checked = bytes.subarray(0, -CRC_BYTES);
  const crc = crc16(checked);
  return bytes.at(-2) === (crc & 0xff) && bytes.at(-1) === crc >> 8 ? checked : undefined;
}
