import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { NodeDouble } from "../support/node-double.ts";

const SOURCE = `
const acts = {
  ok: () => "ok",
  throw: () => { throw new RangeError("too far"); },
  reject: async () => { throw new RangeError("too far, later"); },
  text: () => { throw "only text"; },
  nothing: () => { throw undefined; },
  bare: () => { throw Object.create(null); },
  symbol: () => { throw Symbol("s"); },
  hostile: () => { throw new Proxy({}, { get() { throw 1; }, has() { throw 2; }, getPrototypeOf() { throw 3; }, ownKeys() { throw 4; } }); },
  hostileLater: async () => { throw { get message() { throw 1; }, get stack() { throw 2; } }; },
  forged: () => { throw Object.assign(new Error("forged"), { [Symbol.for("nex.error")]: true, code: "not_a_code", toJSON() { throw 1; } }); },
  long: () => { throw new Error("x".repeat(5_000_000)); },
  then: () => ({ get then() { throw new Error("then"); } }),
  uncaught: () => { setTimeout(() => { throw new Error("nobody caught me"); }); return "answered before"; },
  uncaughtHostile: () => { setTimeout(() => { throw Object.create(null); }); return ""; },
  unhandled: () => { void Promise.reject(new Error("nobody handled me")); return "fine"; },
  unhandledHostile: () => { void Promise.reject(Object.create(null)); return "fine"; },
  exit: () => { console.log("last words"); process.exit(9); },
  signal: () => process.kill(process.pid, "SIGUSR1") && "",
  abort: () => process.abort(),
  memory: () => { const all = []; for (;;) all.push(new Array(1e6).fill(1)); },
  recursion: () => { const deeper = () => deeper() + 1; return deeper(); },
};
export default (event) => acts[event.text()]();
`;

async function fails(node: NodeDouble, act: string): Promise<NexError> {
  return await node.trigger(act).then(
    ({ text }) => assert.fail(`answered ${text}`),
    (error: NexError) => error,
  );
}

describe("A function that throws", () => {
  it("tells its caller what, and its log where, whatever it was, and goes on serving", async () => {
    await using node = await NodeDouble.run(SOURCE);
    for (const [act, says] of [
      ["throw", /RangeError: too far/],
      ["reject", /RangeError: too far, later/],
      ["text", /"only text"/],
      ["nothing", /undefined/],
      ["bare", /not an error/],
      ["symbol", /Symbol\(s\)/],
      ["hostile", /no text/],
      ["hostileLater", /./],
      ["then", /then/],
      ["recursion", /RangeError: Maximum call stack/],
    ] as const) {
      const error = await fails(node, act);
      assert.equal(error.code, "function_failed", `${act}: ${error.message}`);
      assert.match(error.message, says, act);
    }
    const { text, level, invocation } = await node.log(/RangeError: too far\n/);
    assert.match(text, /at .*fn\.js:4:/);
    assert.doesNotMatch(text, /\/proc\/|node:internal/);
    assert.equal(level, "error");
    assert.match(invocation ?? "", /^inv1-\d+$/);
    assert.equal((await node.trigger("ok")).text, "ok");
    assert.equal(node.runners.length, 1);
    assert.equal(node.runner.isClosed, false);
  });

  it("an error of 5 MB is told in short, and harms no other call", async () => {
    await using node = await NodeDouble.run(SOURCE);
    const error = await fails(node, "long");
    assert.equal(error.code, "function_failed");
    assert.ok(error.message.length < 10_000);
    assert.equal((await node.trigger("ok")).text, "ok");
  });

  it("an error that pretends to be one of ours is answered all the same", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await fails(node, "forged");
    assert.equal((await node.trigger("ok")).text, "ok");
  });
});

describe("A runner whose function", () => {
  it("lets an exception escape logs it and ends, and the node is told", async () => {
    await using node = await NodeDouble.run(SOURCE);
    assert.equal((await node.trigger("uncaught")).text, "answered before");
    const event = await node.event("runner_ended");
    assert.deepEqual([event.exit_code, event.signal], [70, null]);
    assert.match((await node.log(/nobody caught me/)).text, /fn\.js/);
  });

  it("lets an object escape that has no text ends as well", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await node.trigger("uncaughtHostile");
    assert.equal((await node.event("runner_ended")).exit_code, 70);
  });

  it("leaves a rejection unhandled logs it and goes on", async () => {
    await using node = await NodeDouble.run(SOURCE);
    assert.equal((await node.trigger("unhandled")).text, "fine");
    await node.log(/nobody handled me/);
    assert.equal((await node.trigger("unhandledHostile")).text, "fine");
    assert.equal((await node.trigger("ok")).text, "ok");
  });

  it("calls process.exit ends with its code, and its last words are kept", async () => {
    await using node = await NodeDouble.run(SOURCE);
    assert.equal((await fails(node, "exit")).code, "link_closed");
    const event = await node.event("runner_ended");
    assert.deepEqual([event.exit_code, event.signal], [9, null]);
    await node.log(/last words/);
  });

  it("is killed by a signal tells which", async () => {
    await using node = await NodeDouble.run(SOURCE);
    await fails(node, "abort");
    const event = await node.event("runner_ended");
    assert.deepEqual([event.exit_code, event.signal], [null, "SIGABRT"]);
    assert.match(event.reason, /SIGABRT/);
  });

  it("ends closes the link with a reason for each of its callers, once", async () => {
    await using node = await NodeDouble.run(
      "export default (event) => event.text() === 'die' ? process.exit(1) : new Promise(() => {});",
    );
    const waiting = Array.from(
      { length: 20 },
      async () => await node.trigger("wait").catch((error: NexError) => error.code),
    );
    await waitFor(() => node.runner.openCalls === 20);
    await assert.rejects(node.trigger("die"), { code: "link_closed" });
    assert.deepEqual(await Promise.all(waiting), Array(20).fill("link_closed"));
  });
});
