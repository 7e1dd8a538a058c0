import { readFileSync } from "node:fs";
import { NexError } from "@nex/protocol";

/** Keys of a context that are text and that nex uses, as ADR-21 and jsm.go name them. */
const TEXT_KEYS = [
  "description",
  "url",
  "token",
  "user",
  "password",
  "creds",
  "nkey",
  "cert",
  "key",
  "ca",
  "user_jwt",
  "user_seed",
  "inbox_prefix",
  "jetstream_domain",
] as const;

type TextKey = (typeof TEXT_KEYS)[number];

/** A context file as it was read; empty values are left out. References and `$VAR` are still as written. */
export interface ContextFile extends Readonly<Partial<Record<TextKey, string>>> {
  readonly tls_first?: boolean;
}

/** Keys nex cannot honour, and what to use. Ignoring them would connect in another way than the user asked for. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  nsc: 'write the credentials to a file with "nsc generate creds" and name it as "creds"',
  socks_proxy: "nex connects directly; use a context without a proxy",
  windows_cert_store: 'export the certificate to files and name them as "cert" and "key"',
};

/** Only one of these can say who the user is. */
const IDENTITIES: readonly TextKey[] = ["user", "creds", "nkey", "user_jwt"];

/** @throws NexError `file_not_found`, `invalid_request` */
export function readContextFile(file: string): ContextFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new NexError("file_not_found", `The NATS context ${file} cannot be read (${reasonOf(cause)}).`, {
      cause,
      data: { file },
    });
  }
  const found = parseObject(file, text);
  for (const [key, remedy] of Object.entries(UNSUPPORTED)) {
    if (found[key] !== undefined && found[key] !== "")
      throw invalid(file, `uses "${key}", which nex does not support: ${remedy}`);
  }
  const context: Partial<Record<TextKey, string>> & { tls_first?: boolean } = {};
  for (const key of TEXT_KEYS) {
    const value = found[key];
    if (value === undefined || value === null || value === "") continue;
    if (typeof value !== "string") throw invalid(file, `has a "${key}" that is not text`);
    context[key] = value;
  }
  const handshake = found["tls_first"];
  if (handshake !== undefined && handshake !== null) {
    if (typeof handshake !== "boolean") throw invalid(file, 'has a "tls_first" that is neither true nor false');
    context.tls_first = handshake;
  }
  const identities = IDENTITIES.filter((key) => context[key] !== undefined);
  if (identities.length > 1)
    throw invalid(
      file,
      `has more than one of ${identities.map((key) => `"${key}"`).join(", ")}; keep the one that is meant`,
    );
  return context;
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    // The parser's own message quotes the text around the fault, and that may be a password.
    throw new NexError("invalid_request", `The NATS context ${file} is not valid JSON${faultPosition(cause, text)}.`, {
      data: { file },
    });
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw invalid(file, "is not a JSON object");
}

function faultPosition(error: unknown, text: string): string {
  const offset = /at position (\d+)/.exec(String(error))?.[1];
  if (offset === undefined) return "";
  const before = text.slice(0, Number(offset)).split("\n");
  return ` (line ${before.length}, column ${before.at(-1)!.length + 1})`;
}

function invalid(file: string, what: string): NexError {
  return new NexError("invalid_request", `The NATS context ${file} ${what}.`, { data: { file } });
}

/** `ENOENT` and the like in words where there are common ones. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const words: Readonly<Record<string, string>> = {
    ENOENT: "it does not exist",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    ENOTDIR: "a part of its path is not a directory",
  };
  return words[code ?? ""] ?? code ?? String(error);
}
