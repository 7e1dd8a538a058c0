import { fromCurveSeed, type KeyPair } from "@nats-io/nkeys";
import { NexError } from "../errors.ts";
import { createSeed, decodePublic, decodeSeed, encodeSeed } from "./nkey.ts";

/**
 * An X25519 key pair in nkey form (an "xkey"). Seals and opens the `xkv1` box of nkeys: `"xkv1"`, a nonce
 * of 24 bytes, then a NaCl box of the text between the two keys. Only the named recipient can open it, and
 * it can only have been sealed by the named sender.
 */
export class ExchangeKey {
  /** Public nkey `X…`. */
  readonly publicKey: string;
  readonly #pair: KeyPair;
  readonly #seed: string;

  private constructor(seed: string) {
    this.#seed = seed;
    this.#pair = fromCurveSeed(new TextEncoder().encode(seed));
    this.publicKey = this.#pair.getPublicKey();
  }

  static create(): ExchangeKey {
    return new ExchangeKey(createSeed("curve"));
  }

  /** @throws NexError `invalid_request` for text that is not the seed of an exchange key */
  static fromSeed(seed: string): ExchangeKey {
    const { role, raw } = decodeSeed(seed);
    if (role !== "curve") {
      throw new NexError(
        "invalid_request",
        "This is the seed of a signing key, which cannot seal; an exchange key's begins with SX.",
      );
    }
    return new ExchangeKey(encodeSeed(role, raw));
  }

  /** The private half. Keep it in files only their owner can read; a getter, so that no log shows it by accident. */
  get seed(): string {
    return this.#seed;
  }

  /** 44 bytes longer than `data`. @throws NexError `invalid_request` if `recipientPublic` is not `X…` */
  seal(data: Uint8Array, recipientPublic: string): Uint8Array {
    if (decodePublic(recipientPublic).role !== "curve") {
      throw new NexError("invalid_request", `The recipient's key ${recipientPublic} is not an exchange key (X…).`, {
        data: { recipient: recipientPublic },
      });
    }
    return this.#pair.seal(data, recipientPublic);
  }

  /** @throws NexError `environment_sealed_wrong` whatever the reason */
  open(sealed: Uint8Array, senderPublic: string): Uint8Array {
    let opened: Uint8Array | null;
    try {
      opened = this.#pair.open(sealed, senderPublic);
    } catch (cause) {
      throw sealedWrong("the box or the sender's public key is malformed", this.publicKey, cause);
    }
    // The library reports a failed authentication as null.
    if (opened === null)
      throw sealedWrong("it was sealed to another key, by another sender, or changed on its way", this.publicKey);
    return opened;
  }
}

function sealedWrong(why: string, recipient: string, cause?: unknown): NexError {
  return new NexError(
    "environment_sealed_wrong",
    `The sealed data cannot be opened with ${recipient}: ${why}. Seal it to that key and name the sender's.`,
    {
      data: { recipient },
      cause,
    },
  );
}
