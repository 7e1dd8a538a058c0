import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TestSystem } from "../support/system.ts";
import { b64, type GuestCall, moduleDriver, type Outcome, scriptDriver } from "./support/guest-calls.ts";
import { wasmDriver } from "./support/wasm-guest.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const EMPTY = new Uint8Array(0);

/** A call and what a guest of any form sees of its outcome: bytes, a list of names, nothing, or a refusal. */
const CASES: readonly (readonly [call: GuestCall, seen: unknown])[] = [
  [["kv", "get", "a"], "nothing"],
  [["kv", "set", "a", ALL_BYTES], "done"],
  [["kv", "get", "a"], b64(ALL_BYTES)],
  [["kv", "set", "e", EMPTY], "done"],
  [["kv", "get", "e"], b64(EMPTY)],
  [["kv", "delete", "e"], "done"],
  [["kv", "keys"], ["a"]],
  [["kv", "get", "a b"], "refused"],
  [["kv", "set", "$KV.x", ALL_BYTES], "refused"],
  [["objectStore", "get", "o"], "nothing"],
  [["objectStore", "put", "o", ALL_BYTES], "done"],
  [["objectStore", "get", "o"], b64(ALL_BYTES)],
  [["objectStore", "list"], ["o"]],
  [["objectStore", "delete", "o"], "done"],
  [["objectStore", "get", "o"], "nothing"],
  [["objectStore", "put", "", ALL_BYTES], "refused"],
  [["messaging", "request", "echo", ALL_BYTES], b64(ALL_BYTES)],
  [["messaging", "publish", "note", ALL_BYTES], "done"],
  [["messaging", "publish", "$JS.API.INFO", ALL_BYTES], "refused"],
  [["messaging", "request", "_INBOX.a.b", ALL_BYTES], "refused"],
  [["messaging", "request", "nobody", ALL_BYTES], "refused"],
];

const WRITES = ["set", "put", "delete", "publish"];

function seenOf([, method]: GuestCall, outcome: Outcome): unknown {
  if ("code" in outcome) return "refused";
  const { value } = outcome;
  if (WRITES.includes(method)) return "done";
  if (value === undefined) return "nothing";
  if (Array.isArray(value))
    return value.map((each) => (typeof each === "string" ? each : (each as { name: string }).name));
  return { b64: (value as { b64: string }).b64 };
}

describe("host services look the same", () => {
  for (const { through, open } of [
    { through: "the module form", open: moduleDriver },
    { through: "the script form", open: scriptDriver },
    { through: "WebAssembly imports", open: wasmDriver },
  ]) {
    it(`through ${through}`, async () => {
      await using system = await TestSystem.start();
      system.client.subscribe("echo", { callback: (_, message) => void message.respond(message.data) });
      await system.client.flush();
      const guest = await open(system);
      const outcomes = await guest.run(...CASES.map(([call]) => call));
      for (const [index, [call, seen]] of CASES.entries())
        assert.deepEqual(seenOf(call, outcomes[index]!), seen, `${call[0]}.${call[1]}(${String(call[2])})`);
    });
  }
});
