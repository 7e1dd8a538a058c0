import { errorCatalogue, type NexErrorCode } from "./error-catalogue.ts";

/** Shared by all copies of this package in a process, so that `isNexError` sees across them. */
const BRAND: symbol = Symbol.for("nex.error");

/** The form in which an error crosses a link, a NATS reply or `--json` output. */
export interface NexErrorJson {
  readonly code: NexErrorCode;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface NexErrorOptions {
  /** Facts about the failure, for programs. Must survive JSON. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error class of Nex. `code` is from the closed set in `docs/errors.md`; `message` says what
 * happened, why, and what to do; `data` carries the facts for programs.
 */
export class NexError extends Error {
  readonly code: NexErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  static {
    // Inherited and not enumerable, so that the name does not show up among an error's own fields.
    Object.defineProperty(NexError.prototype, "name", { value: "NexError", configurable: true });
    Object.defineProperty(NexError.prototype, BRAND, { value: true });
  }

  constructor(code: NexErrorCode, message: string, options: NexErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
  }

  /** HTTP-like number of the code, as used in the `Nats-Service-Error-Code` header. */
  get status(): number {
    return errorCatalogue[this.code].status;
  }

  toJSON(): NexErrorJson {
    const hasData = Object.keys(this.data).length > 0;
    return { code: this.code, message: this.message, ...(hasData ? { data: this.data } : {}) };
  }
}

/** True for a `NexError` of this or another copy of the package. */
export function isNexError(value: unknown): value is NexError {
  return value instanceof Error && BRAND in value;
}

export function isNexErrorCode(value: unknown): value is NexErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}

/** Text of anything thrown. Workload code may throw objects whose own conversion to text throws. */
function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return "Something was thrown that has no text.";
  }
}

/** Anything thrown, as a `NexError`; what is not one yet becomes `fallback` with the cause kept. */
export function toNexError(thrown: unknown, fallback: NexErrorCode = "internal"): NexError {
  if (isNexError(thrown)) return thrown;
  return new NexError(fallback, messageOf(thrown), { cause: thrown });
}

/** Rebuilds an error that crossed a wire. Codes this version does not know become `internal`. */
export function fromErrorJson(json: unknown): NexError {
  const { code, message, data } = Object(json) as Record<string, unknown>;
  const text = typeof message === "string" ? message : "The other side reported an error without a message.";
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  const facts = isObject ? (data as Record<string, unknown>) : {};
  if (isNexErrorCode(code)) return new NexError(code, text, { data: facts });
  return new NexError("internal", text, { data: typeof code === "string" ? { ...facts, unknown_code: code } : facts });
}
