import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { NodeDouble } from "../support/node-double.ts";

/** Runs the code named by the payload's first word, so that one runner serves all tests. */
const SOURCE = `
const cases = {
  string: () => "grüße",
  empty: () => "",
  nothing: () => undefined,
  null: () => null,
  number: () => 42,
  false: () => false,
  object: () => ({ a: [1, "zwei"] }),
  bytes: () => new Uint8Array([0, 255, 128]),
  buffer: () => Buffer.from("buffer"),
  part: () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  arraybuffer: () => new Uint8Array([7, 8]).buffer,
  words: () => new Uint16Array([258]),
  promise: async () => "later",
  thenable: () => ({ then: (done) => done("thenable") }),
  headers: (event, ctx) => ctx.reply("with", { headers: { "X-One": "1", "X-Many": ["a", "b"] } }),
  remembered: (event, ctx) => { ctx.reply("last made", { headers: { "X-H": "v" } }); },
  echo: (event) => event.bytes(),
  event: (event, ctx) => ({ subject: event.subject, captures: event.captures, text: event.text(), one: event.headers.get("one"), all: event.headers.all("many"), names: [...event.headers].map(([name]) => name) }),
  json: (event) => event.json(),
  context: (event, ctx) => ({ id: ctx.invocationId, workload: ctx.workload, env: ctx.env, aborted: ctx.signal.aborted }),
  signal: (event, { signal }) => new Promise((done) => signal.addEventListener("abort", () => { console.log("aborted: " + signal.reason.code); done(); })),
  exactly: () => "x".repeat(65536),
  toomuch: () => "x".repeat(65537),
  exactlyHeaders: (event, ctx) => ctx.reply("x".repeat(65536), { headers: { a: "b" } }),
  bigint: () => 1n,
  function: () => () => 1,
  cycle: () => { const a = {}; a.a = a; return a; },
  badheader: (event, ctx) => ctx.reply("", { headers: { "no spaces": "x" } }),
  longheader: (event, ctx) => ctx.reply("", { headers: { ["n".repeat(70000)]: "v" } }),
  sleep: async () => { await new Promise((done) => setTimeout(done, 100)); return "slept"; },
};
export default (event, ctx) => cases[event.headers.get("case")](event, ctx);
`;

let node: NodeDouble;
before(
  async () =>
    (node = await NodeDouble.run(
      SOURCE,
      { triggers: ["test.*", "orders.*.>", "plain"], name: "reply", revision: 3, env: { A: "1" } },
      { maxPayload: 65_536 },
    )),
);
after(async () => await node[Symbol.asyncDispose]());

describe("What a module's function returns", () => {
  for (const [name, expected] of [
    ["string", "grüße"],
    ["empty", ""],
    ["nothing", ""],
    ["null", "null"],
    ["number", "42"],
    ["false", "false"],
    ["object", '{"a":[1,"zwei"]}'],
    ["bytes", Buffer.from([0, 255, 128])],
    ["buffer", "buffer"],
    ["part", Buffer.from([2, 3])],
    ["arraybuffer", Buffer.from([7, 8])],
    ["words", Buffer.from([2, 1])],
    ["promise", "later"],
    ["thenable", "thenable"],
  ] as const) {
    it(`goes out as it should: ${name}`, async () => {
      const reply = await node.trigger("", { headers: [["case", name]] });
      assert.deepEqual(reply.payload.toString("hex"), Buffer.from(expected).toString("hex"));
      assert.deepEqual(reply.headers, []);
    });
  }

  it("may be a reply with headers", async () => {
    const { text, headers } = await node.trigger("", { headers: [["case", "headers"]] });
    assert.equal(text, "with");
    assert.deepEqual(headers, [
      ["X-One", "1"],
      ["X-Many", "a"],
      ["X-Many", "b"],
    ]);
  });

  it("may be nothing after a reply was made: that one counts", async () => {
    const { text, headers } = await node.trigger("", { headers: [["case", "remembered"]] });
    assert.deepEqual([text, headers], ["last made", [["X-H", "v"]]]);
  });

  for (const [name, says] of [
    ["bigint", /BigInt/],
    ["function", /function/],
    ["cycle", /circular/i],
    ["badheader", /header/],
  ] as const) {
    it(`that cannot be sent fails the invocation: ${name}`, async () => {
      await assert.rejects(node.trigger("", { headers: [["case", name]] }), { code: "function_failed", message: says });
    });
  }

  it("may be as large as the NATS server carries, and not a byte larger", async () => {
    assert.equal((await node.trigger("", { headers: [["case", "exactly"]] })).payload.length, 65_536);
    for (const name of ["toomuch", "exactlyHeaders", "longheader"]) {
      await assert.rejects(
        node.trigger("", { headers: [["case", name]] }),
        { code: "reply_too_large", message: /65536/ },
        name,
      );
    }
  });
});

describe("A module's function is given", () => {
  it("subject, captures, headers and payload of the message", async () => {
    const headers = [
      ["case", "event"],
      ["one", "1"],
      ["many", "a"],
      ["many", "b"],
    ] as const;
    const { text } = await node.trigger("päyload", { subject: "orders.de.new.web", pattern: 1, headers });
    assert.deepEqual(JSON.parse(text), {
      subject: "orders.de.new.web",
      captures: ["de", "new.web"],
      text: "päyload",
      one: "1",
      all: ["a", "b"],
      names: ["case", "one", "many"],
    });
  });

  it("no captures on a subject without wildcards", async () => {
    const { text } = await node.trigger("", { subject: "plain", pattern: 2, headers: [["case", "event"]] });
    assert.deepEqual(JSON.parse(text).captures, []);
  });

  it("payloads of every size up to the limit, unchanged", async () => {
    for (const size of [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536]) {
      const payload = Buffer.alloc(size, "xyz");
      assert.ok(
        (await node.trigger(payload, { headers: [["case", "echo"]] })).payload.equals(payload),
        `${size} bytes`,
      );
    }
  });

  it("a context that tells who it is, and the deploy's environment", async () => {
    const { id, ...rest } = JSON.parse((await node.trigger("", { headers: [["case", "context"]] })).text);
    assert.match(id, /^inv1-\d+$/);
    assert.deepEqual(rest, {
      workload: { name: "reply", namespace: "default", revision: 3 },
      env: { A: "1" },
      aborted: false,
    });
  });

  it("a signal that aborts when the deadline has passed", async () => {
    await assert.rejects(node.trigger("", { headers: [["case", "signal"]], deadlineMs: 30 }), {
      code: "deadline_exceeded",
    });
    await node.log(/aborted: cancelled/);
  });

  it("an error of its caller's making for a payload that is not JSON", async () => {
    await assert.rejects(node.trigger("{", { headers: [["case", "json"]] }), {
      code: "invalid_request",
      message: /not JSON/,
    });
  });
});

describe("Invocations of a module's function", () => {
  it("run concurrently", async () => {
    const start = performance.now();
    const replies = await Promise.all(
      Array.from({ length: 50 }, async () => (await node.trigger("", { headers: [["case", "sleep"]] })).text),
    );
    assert.deepEqual(new Set(replies), new Set(["slept"]));
    // One after the other they would take five seconds.
    assert.ok(performance.now() - start < 2500);
  });
});
