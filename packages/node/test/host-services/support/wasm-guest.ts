import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildC, REPOSITORY } from "@nex/testing";
import type { PlanOptions } from "../../support/plan.ts";
import type { TestSystem } from "../../support/system.ts";
import { b64, type GuestDriver, moduleDriver, type Outcome } from "./guest-calls.ts";

/** Where `nex.h` is. */
const HEADER = join(REPOSITORY, "examples/wasm-host-services/c");

/** Builds a program in C that uses host services. */
export async function buildGuest(source: string): Promise<Buffer> {
  return await buildC(source, [`-I${HEADER}`]);
}

/** A program of this folder's fixtures; built once for a test file. */
export async function buildFixture(name: string): Promise<Buffer> {
  return await buildGuest(await readFile(join(import.meta.dirname, "../fixtures", name), "utf8"));
}

let interpreter: Promise<Buffer> | undefined;

/** What one call left: its result, and the records that came of it. */
interface Reply {
  readonly result: number;
  readonly records: readonly Fields[];
}

interface Fields {
  readonly body: Buffer;
  readonly texts: readonly (string | undefined)[];
  readonly numbers: readonly (number | undefined)[];
}

type Options = Readonly<Record<string, unknown>>;

/** As the module form takes them. */
type Arguments = readonly [first?: unknown, second?: unknown, third?: Options];

/** How one method is called and shown: an import with its arguments, and what the module form would give for its reply. */
interface Method {
  readonly words: (args: Arguments) => readonly unknown[];
  readonly show: (reply: Reply) => unknown;
}

const first = ({ records: [record] }: Reply): Fields => record!;
const revision = (reply: Reply): unknown => first(reply).numbers[0];
const nothing = (): undefined => undefined;
const bodyText = ({ body }: Fields): string => body.toString();

const METHODS: Readonly<Record<string, Method>> = {
  "kv.get": {
    words: ([key]) => ["kv_get", key],
    show: (reply) => ({ ...b64(first(reply).body), revision: revision(reply) }),
  },
  "kv.put": { words: ([key, value, { ttlMs = 0 } = {}]) => ["kv_put", key, value, ttlMs], show: revision },
  "kv.set": { words: ([key, value]) => ["kv_put", key, value, 0], show: revision },
  "kv.create": { words: ([key, value, { ttlMs = 0 } = {}]) => ["kv_create", key, value, ttlMs], show: revision },
  "kv.update": { words: ([key, value, at]) => ["kv_update", key, value, at], show: revision },
  "kv.delete": { words: ([key]) => ["kv_delete", key], show: nothing },
  "kv.keys": { words: ([prefix = ""]) => ["kv_keys", prefix], show: ({ records }) => records.map(bodyText) },
  "messaging.publish": {
    words: ([subject, payload = "", { reply = "", headers = {} } = {}]) => [
      "messaging_publish",
      subject,
      reply,
      headerLines(headers),
      payload,
    ],
    show: nothing,
  },
  "messaging.request": {
    words: ([subject, payload = "", { headers = {}, timeoutMs = 0 } = {}]) => [
      "messaging_request",
      subject,
      headerLines(headers),
      payload,
      timeoutMs,
    ],
    show: (reply) => message(first(reply)),
  },
  "messaging.requestMany": {
    words: ([subject, payload = "", { headers = {}, timeoutMs = 0, count = 0, quietMs = 0 } = {}]) => [
      "messaging_request_many",
      subject,
      headerLines(headers),
      payload,
      timeoutMs,
      count,
      quietMs,
    ],
    show: ({ records }) => records.map(message),
  },
  "objectStore.get": { words: ([name]) => ["object_get", name], show: (reply) => b64(first(reply).body) },
  "objectStore.put": {
    words: ([name, value, { description = "" } = {}]) => ["object_put", name, description, value],
    show: (reply) => info(first(reply)),
  },
  "objectStore.delete": { words: ([name]) => ["object_delete", name], show: ({ result }) => result === 1 },
  "objectStore.info": { words: ([name]) => ["object_info", name], show: (reply) => info(first(reply)) },
  "objectStore.list": { words: () => ["object_list"], show: ({ records }) => records.map(info) },
  "http.fetch": { words: (args) => httpWords("http_fetch", args), show: (reply) => response(first(reply)) },
  "http.send": { words: (args) => httpWords("http_send", args), show: (reply) => response(first(reply)) },
};

const REDIRECTS = ["follow", "manual", "error"];

function httpWords(name: string, [url, init = {}]: Arguments): readonly unknown[] {
  const { method = "GET", headers = {}, body = "", redirect = "follow" } = init as Options;
  return [name, method, url, headerLines(headers), body, REDIRECTS.indexOf(String(redirect))];
}

function message({ body, texts }: Fields): unknown {
  return { ...b64(body), headers: readHeaders(texts[1]!) };
}

function info({ texts, numbers }: Fields): unknown {
  const [, , , name, description, digest] = texts;
  return { name, description, digest, size: numbers[1], modified: new Date(numbers[2]!).toISOString() };
}

function response({ body, texts, numbers }: Fields): unknown {
  const headers = Object.fromEntries(readHeaders(texts[1]!).map(([name, values]) => [name, values.join()]));
  return { ...b64(body), headers, url: texts[6], status: numbers[3], redirected: numbers[4] === 1 };
}

function headerLines(headers: unknown): string {
  return Object.entries(headers as Options)
    .map(([name, value]) => `${name}: ${String(value)}\n`)
    .join("");
}

function readHeaders(lines: string): [name: string, values: string[]][] {
  const found = new Map<string, string[]>();
  for (const line of lines.split("\n").slice(0, -1)) {
    const [, name, value] = /^([^:]+): (.*)$/.exec(line)!;
    found.set(name!, [...(found.get(name!) ?? []), value!]);
  }
  return [...found];
}

/** Deploys the interpreter in C. Texts are passed as their UTF-8, bytes as they are. */
export async function wasmDriver(system: TestSystem, options: PlanOptions = {}): Promise<GuestDriver> {
  const { name = "fn", triggers = [name] } = options;
  interpreter ??= buildFixture("interpreter.c");
  await system.deploy(await interpreter, { ...options, kind: "wasm", name, triggers });
  return {
    form: "wasm",
    async run(...calls) {
      const methods = calls.map(([service, method]) => METHODS[`${service}.${method}`]!);
      const encoded = calls.map(([, , ...args], index) =>
        writeWords(methods[index]!.words(args as unknown as Arguments)),
      );
      const reply = await system.request(triggers[0]!, Buffer.concat([u32(calls.length), ...encoded]));
      const reader = new Reader(Buffer.from(reply.data));
      return methods.map((method) => outcomeOf(method, readReply(reader)));
    },
  };
}

function outcomeOf({ show }: Method, reply: Reply): Outcome {
  if (reply.result >= 0) return { value: show(reply) };
  const [code, text] = reply.records.map(bodyText);
  return code === "not_found" ? { value: undefined } : { code: code!, message: text! };
}

function readReply(reader: Reader): Reply {
  const result = reader.u32() | 0;
  const records = Array.from({ length: reader.u32() }, (): Fields => {
    const body = reader.bytes();
    const texts: string[] = [];
    const numbers: number[] = [];
    for (let fields = reader.u32(); fields > 0; fields--) {
      const isText = reader.u32() === 0;
      const field = reader.u32();
      const text = reader.bytes().toString();
      if (isText) texts[field] = text;
      else numbers[field] = Number(text);
    }
    return { body, texts, numbers };
  });
  return { result, records };
}

class Reader {
  readonly #from: Buffer;
  #at = 0;

  constructor(from: Buffer) {
    this.#from = from;
  }

  u32(): number {
    this.#at += 4;
    return this.#from.readUInt32LE(this.#at - 4);
  }

  bytes(): Buffer {
    const length = this.u32();
    this.#at += length;
    return this.#from.subarray(this.#at - length, this.#at);
  }
}

function writeWords(words: readonly unknown[]): Buffer {
  const parts = words.map((word) => Buffer.from(word instanceof Uint8Array ? word : String(word as string)));
  return Buffer.concat([u32(parts.length), ...parts.flatMap((part) => [u32(part.length), part])]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The forms that have all of host services. */
export const FORMS = [
  { form: "module form", open: moduleDriver },
  { form: "WebAssembly form", open: wasmDriver },
] as const;
