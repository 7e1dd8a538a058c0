import { isNexError, NexError } from "../errors.ts";
import type { ExchangeKey } from "../keys/exchange-key.ts";
import { parseJson } from "./messages/parse.ts";

/** Variables of a workload, by name. */
export type Environment = Readonly<Record<string, string>>;

/** Of the sealed text: well above what a kernel passes to a program, below a NATS message. */
const MAX_TEXT_LENGTH = 512 * 1024;

/**
 * Seals a workload's environment: JSON in an `xkv1` box, as standard base64 with padding.
 *
 * @throws NexError `invalid_request`, `too_large`
 */
export function sealEnvironment(
  environment: Environment | undefined,
  sender: ExchangeKey,
  recipientPublic: string,
): string {
  for (const [name, value] of Object.entries(environment ?? {})) checkVariable(name, value);
  const plain = Buffer.from(JSON.stringify(environment ?? null));
  const text = Buffer.from(sender.seal(plain, recipientPublic)).toString("base64");
  checkLength(text);
  return text;
}

/**
 * Opens a sealed environment. No error shows any part of what was inside.
 *
 * @throws NexError `environment_sealed_wrong`, `invalid_request`, `too_large`
 */
export function openEnvironment(text: string, recipient: ExchangeKey, senderPublic: string): Record<string, string> {
  checkLength(text);
  const sealed = Buffer.from(text, "base64");
  // Node skips what is not base64; a text that says something else than its bytes is refused.
  if (sealed.toString("base64") !== text) {
    throw new NexError("environment_sealed_wrong", "The sealed environment is not standard base64 with padding.");
  }
  const value = readPlain(recipient.open(sealed, senderPublic));
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw notAnObject();
  // fromEntries defines rather than assigns, so that `__proto__` is a name like any other.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, checkVariable(name, item)]));
}

function readPlain(plain: Uint8Array): unknown {
  try {
    return parseJson(plain, { maxBytes: MAX_TEXT_LENGTH });
  } catch (error) {
    if (isNexError(error)) throw notAnObject(error);
    throw error;
  }
}

function notAnObject(cause?: unknown): NexError {
  return new NexError("invalid_request", "The sealed environment must hold a JSON object of texts, or null.", {
    cause,
  });
}

/** A program's environment cannot hold a name with `=` or a zero byte anywhere. */
function checkVariable(name: string, value: unknown): string {
  const shown = JSON.stringify(name.slice(0, 80));
  if (name === "" || name.includes("=") || name.includes("\0")) {
    throw new NexError(
      "invalid_request",
      `The environment variable name ${shown} is empty or has "=" or a zero byte in it.`,
    );
  }
  if (typeof value !== "string" || value.includes("\0")) {
    throw new NexError(
      "invalid_request",
      `The value of the environment variable ${shown} must be text without zero bytes.`,
    );
  }
  return value;
}

function checkLength(text: string): void {
  if (text.length <= MAX_TEXT_LENGTH) return;
  throw new NexError(
    "too_large",
    `The sealed environment has ${text.length} characters; at most ${MAX_TEXT_LENGTH} are taken.`,
    {
      data: { characters: text.length, max_characters: MAX_TEXT_LENGTH },
    },
  );
}
