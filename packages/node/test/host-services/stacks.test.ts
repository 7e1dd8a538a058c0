import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

/** Each on a line of its own, to be found in its stack. */
const CALLS = {
  "kv.get": `await ctx.kv.get("a b");`,
  "kv.create": `await ctx.kv.create("there", "2");`,
  "kv.update": `await ctx.kv.update("there", "2", 99);`,
  "kv.put": `await ctx.kv.put("there", undefined);`,
  "messaging.publish": `await ctx.messaging.publish("$JS.API.INFO", "");`,
  "messaging.request": `await ctx.messaging.request("nobody.here", "");`,
  "messaging.requestMany": `await ctx.messaging.requestMany("$JS.API.INFO", "");`,
  "objectStore.put": `await ctx.objectStore.put("", "x");`,
  "objectStore.get": `await ctx.objectStore.get("");`,
  "http.fetch": `await ctx.http.fetch("http://127.0.0.1:1/");`,
  fetch: `await fetch("http://127.0.0.1:1/");`,
  "in parallel": `await Promise.all([ctx.kv.get("there"), ctx.kv.create("there", "2")]);`,
};

describe("A host service's error that a function does not catch", () => {
  it("is logged with the function's own file and line, and none of the runner's", async () => {
    await using system = await TestSystem.start();
    const names = Object.keys(CALLS) as (keyof typeof CALLS)[];
    const source = `export default async (event, ctx) => {
  await ctx.kv.put("there", "1");
  switch (event.text()) {
${names.map((name) => `case "${name}": ${CALLS[name]} break;`).join("\n")}
  }
};`;
    await system.deploy(source);
    for (const name of names) {
      const from = system.told.logs.length;
      const reply = await system.request("fn", name);
      assert.notEqual(outcome(reply), "ok", name);
      const record = await system.told.log("NexError", from);
      const line = 4 + names.indexOf(name);
      assert.match(record.text, new RegExp(`\\n    at .*fn\\.js:${line}:`), `${name}: ${record.text}`);
      assert.doesNotMatch(record.text, /\/proc\/|node:/, name);
    }
  });

  it("is so in the script form too, where it is a string", async () => {
    await using system = await TestSystem.start();
    await system.deploy(`(subject, payload) => {
  const read = (key) => this.hostServices.kv.get(key);
  return read("missing");
}`);
    assert.equal(outcome(await system.request("fn")), "function_failed");
    const { text } = await system.told.log("was not found");
    assert.match(text, /^Error: The key "missing" was not found\. \(404\)\n {4}at read .*fn\.js:2:/);
    assert.match(text, /\n {4}at .*fn\.js:3:/);
    assert.doesNotMatch(text, /\/proc\/|node:/);
  });
});
