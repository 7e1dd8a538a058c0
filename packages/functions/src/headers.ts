import { NexError } from "@nex/protocol";
import type { MessageHeaders } from "./event.ts";

/** Headers as one writes them: a plain object, or pairs. A name may come more than once in pairs. */
export type HeadersInput =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly [name: string, values: string | readonly string[]]>;

const NONE: readonly string[] = Object.freeze([]);

/** Printable ASCII without the colon, which ends a name on the wire. */
const NAME = /^[!-9;-~]+$/;
const LINE_BREAK = /[\r\n]/;

/** Immutable {@link MessageHeaders} over one hash map: a lookup costs the same however many headers there are. */
export class HeaderMap implements MessageHeaders {
  /** Headers of a message that has none; shared, so that such a message allocates nothing. */
  static readonly empty: HeaderMap = new HeaderMap(new Map());

  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** Takes the map over as it is, unchecked: for headers that NATS has already carried. */
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Collects and checks headers that are to be sent. @throws NexError `function_failed` */
  static from(input: HeadersInput): HeaderMap {
    const values = new Map<string, string[]>();
    for (const [name, given] of Symbol.iterator in input ? input : Object.entries(input)) {
      checkName(name);
      const list = values.get(name) ?? [];
      // Functions are often plain JavaScript: what is neither a string nor a list is refused by the value's check.
      const each: readonly unknown[] = Array.isArray(given) ? given : [given];
      for (const value of each) list.push(checkValue(name, value));
      if (list.length > 0) values.set(name, list);
    }
    return values.size === 0 ? HeaderMap.empty : new HeaderMap(values);
  }

  get size(): number {
    return this.#values.size;
  }

  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? NONE;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  [Symbol.iterator](): IterableIterator<readonly [string, readonly string[]]> {
    return this.#values.entries();
  }
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new NexError(
    "function_failed",
    `"${name.slice(0, 80)}" cannot be a header's name: use printable ASCII without spaces and colons.`,
    { data: { header: name.slice(0, 80) } },
  );
}

function checkValue(name: string, value: unknown): string {
  if (typeof value === "string" && !LINE_BREAK.test(value)) return value;
  const why = typeof value === "string" ? "has a line break" : `is ${value === null ? "null" : `a ${typeof value}`}`;
  throw new NexError(
    "function_failed",
    `A value of the header "${name}" ${why}: a header's value is a string of one line.`,
    { data: { header: name } },
  );
}
