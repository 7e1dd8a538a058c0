import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Handler, testFunction } from "@nex/functions";

describe("testFunction", () => {
  it("hands the function its message and gives back its reply", async () => {
    const greet: Handler = (event, ctx) => {
      ctx.log.info("greeting", event.captures[0]);
      return { hello: event.captures[0], from: event.headers.get("From"), got: event.json(), tone: ctx.env["TONE"] };
    };
    const reply = await testFunction(greet, { env: { TONE: "warm" } }).invoke(
      "greet.ada",
      { n: 1 },
      {
        pattern: "greet.*",
        headers: { From: "bob" },
      },
    );
    assert.deepEqual(reply.json(), { hello: "ada", from: "bob", got: { n: 1 }, tone: "warm" });
    assert.deepEqual(reply.logs, [{ level: "info", text: "greeting ada", invocationId: "invocation-1" }]);
  });

  it("fills captures as NATS fills wildcards, and leaves them empty without a pattern", async () => {
    const captured = testFunction((event) => event.captures);
    assert.deepEqual((await captured.invoke("a.b.c.d", undefined, { pattern: "a.*.>" })).json(), ["b", "c.d"]);
    assert.deepEqual((await captured.invoke("a.b")).json(), []);
  });

  it("sends bytes and strings unchanged in both directions", async () => {
    const echo = testFunction((event) => event.bytes());
    assert.deepEqual([...(await echo.invoke("echo", new Uint8Array([0, 255]))).payload], [0, 255]);
    assert.equal((await echo.invoke("echo", "plain")).text(), "plain");
    assert.equal((await echo.invoke("echo")).payload.length, 0);
  });

  it("gives headers to replies made with ctx.reply", async () => {
    const typed = testFunction((_event, { reply }) =>
      reply("<p>", { headers: { "Content-Type": "text/html", Via: ["a", "b"] } }),
    );
    const answer = await typed.invoke("page");
    assert.equal(answer.headers.get("Content-Type"), "text/html");
    assert.deepEqual(answer.headers.all("Via"), ["a", "b"]);
    assert.equal(answer.text(), "<p>");
  });

  it("counts the last reply made when nothing is returned", async () => {
    const made = testFunction((_event, ctx) => {
      ctx.reply("first", { headers: { N: "1" } });
      ctx.reply("second", { headers: { N: "2" } });
    });
    const answer = await made.invoke("x");
    assert.equal(answer.text(), "second");
    assert.equal(answer.headers.get("N"), "2");
  });

  it("tells the workload's identity and an id of its own to each invocation", async () => {
    const who = testFunction((_event, ctx) => ({ ...ctx.workload, id: ctx.invocationId }), {
      workload: { name: "orders", revision: 4 },
    });
    assert.deepEqual((await who.invoke("x")).json(), {
      name: "orders",
      namespace: "default",
      revision: 4,
      id: "invocation-1",
    });
    assert.equal((await who.invoke("x")).json<{ id: string }>().id, "invocation-2");
  });

  it("rejects with function_failed and the thrown value as cause, keeping the logs", async () => {
    const thrown = new Error("out of stock");
    const failing = testFunction(async (_event, ctx) => {
      ctx.log.warn("about to fail");
      await Promise.resolve();
      throw thrown;
    });
    await assert.rejects(failing.invoke("x"), { code: "function_failed", message: /out of stock/, cause: thrown });
    assert.deepEqual(
      failing.logs.map(({ level, text }) => `${level} ${text}`),
      ["warn about to fail"],
    );
  });

  it("rejects with function_failed for a reply without a JSON form", async () => {
    await assert.rejects(testFunction(() => 1n).invoke("x"), { code: "function_failed", message: /BigInt/ });
  });

  it("tells the caller of a payload that is not JSON", async () => {
    await assert.rejects(testFunction((event) => event.json()).invoke("x", "{"), { code: "invalid_request" });
  });

  it("aborts the signal and rejects when the deadline passes", async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
    const slow = testFunction(
      async (_event, { signal }) => {
        signal.addEventListener("abort", () => resolve(signal.reason));
        await new Promise(() => {});
      },
      { deadlineMs: 20 },
    );
    await assert.rejects(slow.invoke("x"), { code: "deadline_exceeded", message: /20 ms/ });
    assert.equal(((await aborted) as { code: string }).code, "deadline_exceeded");
  });

  it("does not mind what a function does after its deadline", async () => {
    const late = testFunction(
      (_event, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => setImmediate(reject, new Error("late"))),
        ),
      { deadlineMs: 5 },
    );
    await assert.rejects(late.invoke("x"), { code: "deadline_exceeded" });
    // An unhandled rejection would end the test file.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  });

  it("ends when its caller withdraws", async () => {
    const controller = new AbortController();
    const waiting = testFunction(() => new Promise(() => {})).invoke("x", undefined, { signal: controller.signal });
    controller.abort();
    await assert.rejects(waiting, { code: "cancelled" });
  });

  it("does not start for a caller who has withdrawn already", async () => {
    let started = false;
    const run = testFunction(() => {
      started = true;
    });
    await assert.rejects(run.invoke("x", undefined, { signal: AbortSignal.abort() }), { code: "cancelled" });
    assert.equal(started, false);
  });

  it("refuses subjects that no message can have and triggers that do not match", async () => {
    const any = testFunction(() => "ok");
    await assert.rejects(any.invoke("a.*"), { code: "invalid_subject" });
    await assert.rejects(any.invoke("a..b"), { code: "invalid_subject" });
    await assert.rejects(any.invoke("a.b", undefined, { pattern: "a.c" }), { code: "invalid_subject" });
    await assert.rejects(any.invoke("$SYS.x", undefined, { pattern: "*.x" }), { code: "invalid_subject" });
  });

  it("refuses what is not a function", () => {
    assert.throws(() => testFunction({} as unknown as Handler), { code: "invalid_artifact" });
  });
});
