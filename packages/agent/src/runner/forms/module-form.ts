import { builtinModules, registerHooks, setSourceMapsSupport } from "node:module";
import type { Handler } from "@nex/functions";
import { type EncodedReply, encodeReply, HeaderMap, InvocationContext, InvocationEvent } from "@nex/functions/internal";
import type { LoadOrder, TriggerMessage } from "@nex/link";
import { captures, NexError } from "@nex/protocol";
import type { Invocation } from "../invocation.ts";
import type { LoadedFunction } from "../loaded-function.ts";

const NO_CAPTURES: readonly string[] = Object.freeze([]);

/** The module form: an ES module whose default export is the handler. */
export async function loadModuleForm(order: LoadOrder, source: string, url: string): Promise<LoadedFunction> {
  // So that stacks name the author's own files: the CLI bundles with an inline source map.
  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  serveFromMemory(url, source);
  const module = (await import(url)) as Record<string, unknown>;
  return new ModuleFunction(findHandler(module), order.triggers);
}

class ModuleFunction implements LoadedFunction {
  readonly concurrency = "many";
  readonly #handler: Handler;
  readonly #patterns: readonly string[];
  readonly #hasWildcards: readonly boolean[];

  constructor(handler: Handler, patterns: readonly string[]) {
    this.#handler = handler;
    this.#patterns = patterns;
    this.#hasWildcards = patterns.map((pattern) => /(^|\.)[*>](\.|$)/.test(pattern));
  }

  invoke(message: TriggerMessage, invocation: Invocation): EncodedReply | Promise<EncodedReply> {
    const { patternIndex, subject, headers, payload } = message;
    const found =
      this.#hasWildcards[patternIndex] === true ? captures(this.#patterns[patternIndex]!, subject) : NO_CAPTURES;
    const event = new InvocationEvent(
      subject,
      found,
      headers.length === 0 ? HeaderMap.empty : toHeaderMap(headers),
      payload,
    );
    const context = new InvocationContext(invocation);
    const handler = this.#handler;
    const returned = handler(event, context);
    if (isThenable(returned)) return Promise.resolve(returned).then((value) => encodeReply(value, context.lastReply));
    return encodeReply(returned, context.lastReply);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

function toHeaderMap(headers: TriggerMessage["headers"]): HeaderMap {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else list.push(value);
  }
  return new HeaderMap(values);
}

function serveFromMemory(url: string, source: string): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === url) return { url, format: "module", shortCircuit: true };
      if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return next(specifier, context);
      throw new NexError(
        "invalid_artifact",
        `The function imports "${specifier}", which is not in the artifact. "nex run" bundles npm packages and files into one module; deploy the bundle.`,
        { data: { specifier } },
      );
    },
    load: (requested, context, next) =>
      requested === url ? { format: "module", source, shortCircuit: true } : next(requested, context),
  });
}

function findHandler(module: Record<string, unknown>): Handler {
  const handler = module["default"];
  if (typeof handler === "function") return handler as Handler;
  const names = Object.keys(module);
  const found = names.length === 0 ? "exports nothing" : `exports ${names.map((name) => `"${name}"`).join(", ")}`;
  const what =
    handler === undefined
      ? "has no default export"
      : `has a default export that is ${handler === null ? "null" : `of type ${typeof handler}`}`;
  throw new NexError(
    "invalid_artifact",
    `The module ${what}; it ${found}. Export the function: export default async (event, ctx) => { … };`,
    {
      data: { exports: names },
    },
  );
}
