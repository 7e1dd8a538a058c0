import { createPrivateKey, createPublicKey, type KeyObject, sign, verify as verifyEd25519 } from "node:crypto";
import { isNexError, NexError } from "../errors.ts";
import { createSeed, decodePublic, decodeSeed, encodePublic, type NkeyRole } from "./nkey.ts";

/** DER before the 32 raw bytes of an Ed25519 key (RFC 8410): PKCS #8 private, SPKI public. */
const PKCS8_HEADER = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_HEADER = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURE_BYTES = 64;

/** An Ed25519 key pair in nkey form: issuers (`account`), nodes (`server`) and NATS users sign with one. */
export class SigningKey {
  /** Public nkey, such as `A…` or `N…`. */
  readonly publicKey: string;
  readonly #seed: string;
  readonly #privateKey: KeyObject;

  private constructor(role: NkeyRole, raw: Uint8Array, seed: string) {
    this.#seed = seed;
    this.#privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, raw]), format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#privateKey).export({ format: "der", type: "spki" });
    this.publicKey = encodePublic(role, spki.subarray(SPKI_HEADER.length));
  }

  /** @throws NexError `invalid_request` for text that is not the seed of a signing key */
  static fromSeed(seed: string): SigningKey {
    const { role, raw } = decodeSeed(seed);
    if (role === "curve") {
      throw new NexError(
        "invalid_request",
        "This is the seed of an exchange key (SX…), which cannot sign; use SA…, SU… or SN….",
      );
    }
    return new SigningKey(role, raw, seed.replaceAll(/\s/g, ""));
  }

  static create(role: Exclude<NkeyRole, "curve">): SigningKey {
    return SigningKey.fromSeed(createSeed(role));
  }

  /** The private half. Keep it in files only their owner can read; a getter, so that no log shows it by accident. */
  get seed(): string {
    return this.#seed;
  }

  /** Signature of 64 bytes. */
  sign(data: Uint8Array): Buffer {
    return sign(null, data, this.#privateKey);
  }
}

/** Parsing a key costs a third of a verification, and a node sees few issuers many times. */
const MAX_CACHED_KEYS = 256;
const publicKeys = new Map<string, KeyObject>();

/**
 * True if `signature` over `data` was made by the holder of `publicKey`, a public nkey of any signing role.
 * Malformed keys and signatures are false, never an error.
 */
export function verify(publicKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  const key = publicKeyObject(publicKey);
  return key !== undefined && verifyEd25519(null, data, key, signature);
}

function publicKeyObject(publicKey: string): KeyObject | undefined {
  const cached = publicKeys.get(publicKey);
  if (cached !== undefined) {
    // Moved to the end: the map's order is the order of use.
    publicKeys.delete(publicKey);
    publicKeys.set(publicKey, cached);
    return cached;
  }
  const raw = signingKeyBytes(publicKey);
  if (raw === undefined) return undefined;
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEADER, raw]), format: "der", type: "spki" });
  publicKeys.set(publicKey, key);
  if (publicKeys.size > MAX_CACHED_KEYS) publicKeys.delete(publicKeys.keys().next().value ?? "");
  return key;
}

function signingKeyBytes(publicKey: string): Uint8Array | undefined {
  try {
    const { role, key } = decodePublic(publicKey);
    return role === "curve" ? undefined : key;
  } catch (error) {
    if (isNexError(error)) return undefined;
    throw error;
  }
}
