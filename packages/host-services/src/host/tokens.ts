import { randomBytes } from "node:crypto";

/** 96 bits. */
const CHARACTERS = 16;
const BYTES = 12;

/** Made together: one by one they cost more than all the rest of a request. */
const TOKENS_AT_ONCE = 256;

/** Texts for the last part of a subject that nobody can guess, however many others they have seen. */
export class Tokens {
  #text = "";
  #used = 0;

  next(): string {
    if (this.#used === this.#text.length) {
      this.#text = randomBytes(TOKENS_AT_ONCE * BYTES).toString("base64url");
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += CHARACTERS;
    return this.#text.slice(at, at + CHARACTERS);
  }
}
