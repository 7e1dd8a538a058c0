import { setFlagsFromString } from "node:v8";
import { createContext, Script } from "node:vm";
import { type EncodedReply, encodeReply } from "@nex/functions/internal";
import { type BlockingClient, scriptServices } from "@nex/host-services/guest";
import type { TriggerMessage } from "@nex/link";
import { NexError } from "@nex/protocol";
import { Garbage } from "../garbage.ts";
import type { Invocation } from "../invocation.ts";
import type { LoadedFunction } from "../loaded-function.ts";

type ScriptHandler = (this: unknown, subject: string, payload: unknown) => unknown;

/**
 * The script form of 0.2.7: the script's value is a function `(subject, payload) => reply`, `this` is the
 * global object, and globals are fresh for each invocation. Bytes are answered as bytes, everything else as
 * JSON. Where 0.2.7 sent the word `undefined` and `{}` for a promise, this sends nothing and awaits it.
 * @param memoryBytes what the sandbox holds the function to, where it does
 */
export function loadScriptForm(script: Script, services: BlockingClient, memoryBytes?: number): LoadedFunction {
  setFlagsFromString(V8_FLAGS);
  const loaded = new ScriptFunction(script, services, garbageBudget(memoryBytes));
  loaded.prepare();
  return loaded;
}

/**
 * A realm is garbage after one invocation, but the engine frees it only with a whole collection, and small ones copy it
 * from place to place: tried, every fortieth call paid 1 ms for a small one, every hundredth 3 to 7 for a whole one. So
 * new objects get more room, and whole collections are left to `Garbage`, which makes one in some 400 calls; at a
 * stretch, because in steps between messages they slow down twenty calls instead of one.
 */
const V8_FLAGS = "--semi-space-growth-factor=2 --heap-growing-percent=1000 --no-incremental-marking";

/** Of a realm, measured. */
const REALM_BYTES = 170 * 1024;

/** What realms may leave lying: by far the most of it is free again after a collection. */
const MOST_GARBAGE = 64 * 2 ** 20;
const GARBAGE_SHARE = 1 / 4;

function garbageBudget(memoryBytes: number | undefined): number {
  return memoryBytes === undefined ? MOST_GARBAGE : Math.min(MOST_GARBAGE, memoryBytes * GARBAGE_SHARE);
}

/** Makes the payload in the realm of the function, so that `payload instanceof Uint8Array` holds there. */
const MAKE_BYTES: Script = new Script("(length) => new Uint8Array(length)");

/** Makes objects of that realm. */
const PARSE: Script = new Script("JSON.parse");

interface Realm {
  readonly handler: ScriptHandler;
  readonly global: unknown;
  readonly makeBytes: (length: number) => Uint8Array;
}

class ScriptFunction implements LoadedFunction {
  /** A synchronous host service blocks the runner, so nobody else may be in it. */
  readonly concurrency = "one";
  readonly #script: Script;
  readonly #services: BlockingClient;
  readonly #garbage: Garbage;
  /** The next invocation's realm, made while nobody waits: a realm takes about a millisecond. */
  #next: Realm | undefined;

  constructor(script: Script, services: BlockingClient, budgetBytes: number) {
    this.#garbage = new Garbage(budgetBytes);
    this.#script = script;
    this.#services = services;
  }

  /** @throws what the script throws; NexError `invalid_artifact` if its value is no function */
  prepare(): void {
    this.#next ??= this.#newRealm();
  }

  invoke(message: TriggerMessage, _invocation: Invocation): EncodedReply | Promise<EncodedReply> {
    const realm = this.#next ?? this.#newRealm();
    this.#next = undefined;
    setImmediate(() => {
      this.#prepareQuietly();
      this.#garbage.add(REALM_BYTES);
    });
    const payload = realm.makeBytes(message.payload.length);
    payload.set(message.payload);
    const returned = realm.handler.call(realm.global, message.subject, payload);
    if (isPromise(returned)) return Promise.resolve(returned).then(encodeScriptReply);
    return encodeScriptReply(returned);
  }

  /** A script that fails only now and then fails in the invocation, where somebody is told. */
  #prepareQuietly(): void {
    try {
      this.prepare();
    } catch {
      this.#next = undefined;
    }
  }

  #newRealm(): Realm {
    const context = createContext({}, { name: "nex function" });
    Object.defineProperty(context, "console", { value: console, writable: true, configurable: true });
    const makeBytes = MAKE_BYTES.runInContext(context) as Realm["makeBytes"];
    const parse = PARSE.runInContext(context) as (json: string) => unknown;
    Object.defineProperty(context, "hostServices", {
      value: scriptServices(this.#services, { makeBytes, parse }),
      writable: true,
      enumerable: true,
      configurable: true,
    });
    const value: unknown = this.#script.runInContext(context);
    if (typeof value !== "function") {
      throw new NexError(
        "invalid_artifact",
        `The script's value is ${value === null ? "null" : `of type ${typeof value}`}, not a function. In the script form the file is one expression, (subject, payload) => …; a module exports its function as default.`,
      );
    }
    return {
      handler: value as ScriptHandler,
      global: GLOBAL.runInContext(context),
      makeBytes,
    };
  }
}

const GLOBAL: Script = new Script("globalThis");

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

function encodeScriptReply(value: unknown): EncodedReply {
  return encodeReply(typeof value === "string" ? JSON.stringify(value) : value);
}
