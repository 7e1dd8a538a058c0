import { isNexError, NexError, parseDuration, parseSize } from "@nex/protocol";

/** An option of a command, as data: how it is written, what it means, and how its value is read. */
export interface OptionSpec<Value> {
  /** As commander writes them: `-f, --follow` or `--name <name>`. */
  readonly flags: string;
  readonly summary: string;
  readonly repeatable: boolean;
  /** The only values there are, for help and completion. */
  readonly choices?: readonly string[];
  /** Used when the flag is not given. */
  readonly variable?: string;
  /** @param given every value typed, in order; empty if the flag was not given, one empty text for a bare flag */
  readonly read: (given: readonly string[]) => Value;
}

interface ValueOptions<Value> {
  readonly fallback: Value;
  readonly variable?: string;
}

/** True or false: given or not. */
export function flag(flags: string, summary: string): OptionSpec<boolean> {
  return { flags, summary, repeatable: false, read: (given) => given.length > 0 };
}

/** Any text; `undefined` if it is not given. */
export function text(flags: string, summary: string): OptionSpec<string | undefined> {
  return value(flags, summary, (given) => given, { fallback: undefined });
}

/** A text with a value of its own when it is not given. */
export function textOr(flags: string, summary: string, options: ValueOptions<string>): OptionSpec<string> {
  return value(flags, summary, (given) => given, options);
}

/** May be given more than once; in the order given. */
export function list(flags: string, summary: string): OptionSpec<readonly string[]> {
  return { flags, summary, repeatable: true, read: (given) => given };
}

/** A value that `parse` reads. What it throws is told to the user under the flag's name. */
function value<Value>(
  flags: string,
  summary: string,
  parse: (given: string) => Value,
  options: ValueOptions<Value>,
): OptionSpec<Value> {
  const { fallback, variable } = options;
  return {
    flags,
    summary,
    repeatable: false,
    ...(variable === undefined ? {} : { variable }),
    read: (given) => {
      const last = given.at(-1);
      return last === undefined ? fallback : underName(longName(flags), () => parse(last));
    },
  };
}

/** `250ms`, `5s`, `2m` as milliseconds. */
export function duration<Fallback extends number | undefined>(
  flags: string,
  summary: string,
  options: ValueOptions<Fallback>,
): OptionSpec<number | Fallback> {
  return value<number | Fallback>(flags, summary, parseDuration, options);
}

/** `64KiB`, `128MiB` as bytes. */
export function size<Fallback extends number | undefined>(
  flags: string,
  summary: string,
  options: ValueOptions<Fallback>,
): OptionSpec<number | Fallback> {
  return value<number | Fallback>(flags, summary, parseSize, options);
}

/** A whole number from `min` to `max`. */
export function integer<Fallback extends number | undefined>(
  flags: string,
  summary: string,
  options: ValueOptions<Fallback> & { readonly min: number; readonly max: number },
): OptionSpec<number | Fallback> {
  const { min, max } = options;
  const parse = (given: string): number => {
    const number = Number(given);
    if (/^-?\d+$/.test(given) && number >= min && number <= max) return number;
    throw new NexError("usage", `"${given}" is not a whole number from ${min} to ${max}.`);
  };
  return value<number | Fallback>(flags, summary, parse, options);
}

/** A number from `min` to `max`, fractions allowed. */
export function decimal<Fallback extends number | undefined>(
  flags: string,
  summary: string,
  options: ValueOptions<Fallback> & { readonly min: number; readonly max: number },
): OptionSpec<number | Fallback> {
  const { min, max } = options;
  const parse = (given: string): number => {
    const number = Number(given);
    if (/^\d+(\.\d+)?$/.test(given) && number >= min && number <= max) return number;
    throw new NexError("usage", `"${given}" is not a number from ${min} to ${max}.`);
  };
  return value<number | Fallback>(flags, summary, parse, options);
}

/** One of a few words. */
export function choice<const Word extends string, Fallback extends Word | undefined>(
  flags: string,
  summary: string,
  choices: readonly Word[],
  options: ValueOptions<Fallback>,
): OptionSpec<Word | Fallback> {
  return { ...value<Word | Fallback>(flags, summary, (given) => oneOf(given, choices), options), choices };
}

/** Any of a few words; may be given more than once, and several at a time with commas between them. */
export function words<const Word extends string>(
  flags: string,
  summary: string,
  choices: readonly Word[],
): OptionSpec<readonly Word[]> {
  return {
    flags,
    summary,
    repeatable: true,
    choices,
    read: (given) =>
      underName(longName(flags), () => given.flatMap((some) => some.split(",")).map((word) => oneOf(word, choices))),
  };
}

function oneOf<Word extends string>(given: string, choices: readonly Word[]): Word {
  // Options are written with dashes, so people write their words like that too.
  const found = choices.find((word) => word === given || word === given.replaceAll("-", "_"));
  if (found !== undefined) return found;
  throw new NexError("usage", `"${given}" is not one of ${choices.join(", ")}.`);
}

/** `KEY=VALUE`, repeatable; the last of a key wins. */
export function pairs(flags: string, summary: string): OptionSpec<ReadonlyMap<string, string>> {
  const parse = (given: string): [string, string] => {
    const at = given.indexOf("=");
    if (at > 0) return [given.slice(0, at), given.slice(at + 1)];
    // Only the key is shown: what follows may be a secret.
    throw new NexError("usage", `"${given.slice(0, 40)}" is not of the form KEY=VALUE.`);
  };
  return {
    flags,
    summary,
    repeatable: true,
    read: (given) => underName(longName(flags), () => new Map(given.map(parse))),
  };
}

/** An argument by its place. */
export interface ArgumentSpec<Value> {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  /** @param given `undefined` if it was left out, which the parser allows only where it is not required */
  readonly read: (given: string | undefined) => Value;
}

export function required(name: string, summary: string): ArgumentSpec<string> {
  return { name, summary, required: true, read: (given) => given! };
}

export function optional(name: string, summary: string): ArgumentSpec<string | undefined> {
  return { name, summary, required: false, read: (given) => given };
}

/** `--long-name` of `-l, --long-name <value>`. */
export function longName(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

function underName<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!isNexError(error)) throw error;
    throw new NexError(error.code, `${name}: ${error.message}`, {
      cause: error,
      data: { ...error.data, option: name },
    });
  }
}
