import { Buffer } from "node:buffer";
import type { PlanOptions } from "../../support/plan.ts";
import type { TestSystem } from "../../support/system.ts";

/** A host service's method with its arguments: bytes are bytes, anything else must have a JSON form. */
export type GuestCall = readonly [service: string, method: string, ...args: unknown[]];

/** What a call came to, the same for all forms: a value with bytes as `{ b64 }`, or the code of the error. */
export type Outcome = { readonly value: unknown } | { readonly code: string; readonly message: string };

/** Runs calls inside a function, one after the other. */
export interface GuestDriver {
  readonly form: string;
  run(...calls: GuestCall[]): Promise<Outcome[]>;
}

/** Interprets calls in the module form. Entries and messages come back as plain objects. */
const MODULE_SOURCE = `
const revive = (value) => value !== null && typeof value === "object" && "b64" in value ? Buffer.from(value.b64, "base64") : value;
const show = async (value) => {
  if (value instanceof Uint8Array) return { b64: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return await Promise.all(value.map(show));
  if (value !== null && typeof value === "object" && typeof value.bytes === "function") {
    const shown = { b64: Buffer.from(await value.bytes()).toString("base64") };
    if (value.revision !== undefined) shown.revision = value.revision;
    if (value.info !== undefined) shown.info = value.info;
    if (value.subject !== undefined && value.headers !== undefined) shown.headers = [...value.headers];
    return shown;
  }
  return value;
};
export default async (event, ctx) => {
  const outcomes = [];
  for (const [service, method, ...args] of event.json()) {
    try {
      outcomes.push({ value: await show(await ctx[service][method](...args.map(revive))) });
    } catch (error) {
      outcomes.push({ code: error.code ?? error.name, message: String(error.message ?? error) });
    }
  }
  return outcomes;
};`;

/** Interprets calls in the script form; what is thrown there are strings. */
const SCRIPT_SOURCE = `(subject, payload) => {
  const text = String.fromCharCode(...payload);
  const isBytes = (value) => value !== null && typeof value === "object" && "latin1" in value;
  const revive = (value) => isBytes(value) ? Uint8Array.from(value.latin1, (c) => c.charCodeAt(0)) : value;
  const show = (value) => value instanceof Uint8Array ? { latin1: Array.from(value, (b) => String.fromCharCode(b)).join("") } : value;
  return JSON.parse(text).map(([service, method, ...args]) => {
    try {
      return { value: show(this.hostServices[service][method](...args.map(revive))) };
    } catch (error) {
      return { thrown: error, type: typeof error };
    }
  });
}`;

/** Deploys the interpreter of the module form. */
export async function moduleDriver(system: TestSystem, options: PlanOptions = {}): Promise<GuestDriver> {
  const { name = "fn", triggers = [name] } = options;
  await system.deploy(MODULE_SOURCE, { ...options, name, triggers });
  return {
    form: "module",
    async run(...calls) {
      const reply = await system.request(triggers[0]!, JSON.stringify(calls.map(encode)));
      return reply.json();
    },
  };
}

/** Deploys the interpreter of the script form; its thrown texts become codes, and what was not found no value. */
export async function scriptDriver(system: TestSystem, options: PlanOptions = {}): Promise<GuestDriver> {
  const { name = "script", triggers = [name] } = options;
  await system.deploy(SCRIPT_SOURCE, { ...options, name, triggers });
  return {
    form: "script",
    async run(...calls) {
      const latin1 = (part: unknown): unknown =>
        part instanceof Uint8Array ? { latin1: Buffer.from(part).toString("latin1") } : part;
      const text = JSON.stringify(calls.map((call) => call.map(latin1))).replaceAll(
        /[^ -~]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
      const reply = await system.request(triggers[0]!, text);
      return reply.json<{ value?: unknown; thrown?: string }[]>().map(({ value, thrown }) => {
        if (thrown === undefined) return { value: fromLatin1(value) };
        const [, status] = /\((\d+)\)$/.exec(thrown) ?? [];
        return status === "404" ? { value: undefined } : { code: status ?? thrown, message: thrown };
      });
    },
  };
}

function fromLatin1(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("latin1" in value)) return value;
  return b64(Buffer.from(String(value.latin1), "latin1"));
}

function encode(call: GuestCall): unknown[] {
  return call.map((part) => (part instanceof Uint8Array ? { b64: Buffer.from(part).toString("base64") } : part));
}

/** Bytes as outcomes show them. */
export function b64(bytes: Uint8Array | string): { readonly b64: string } {
  return { b64: Buffer.from(bytes).toString("base64") };
}

/** The code of an outcome, or `ok`. */
export function codeOf(outcome: Outcome | undefined): string {
  return outcome === undefined ? "none" : "code" in outcome ? outcome.code : "ok";
}

/** The value of an outcome; fails with the error it has instead. */
export function valueOf(outcome: Outcome | undefined): unknown {
  if (outcome !== undefined && "value" in outcome) return outcome.value;
  // An undefined value has no JSON form.
  if (outcome !== undefined && !("code" in outcome)) return undefined;
  throw new Error(`The call failed: ${JSON.stringify(outcome)}`);
}
