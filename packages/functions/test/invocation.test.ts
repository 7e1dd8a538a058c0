import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { testFunction } from "@nex/functions";
import { HeaderMap, InvocationContext, InvocationEvent, handlerFailure, serviceError } from "@nex/functions/internal";
import { NexError } from "@nex/protocol";

const eventWith = (payload: Uint8Array): InvocationEvent =>
  new InvocationEvent("orders.de.new", ["de"], HeaderMap.empty, payload);

describe("InvocationEvent", () => {
  it("gives the payload as bytes, text and JSON", () => {
    const payload = Buffer.from('{"total":"12 €"}');
    const event = eventWith(payload);
    assert.equal(event.bytes(), payload);
    assert.equal(event.text(), '{"total":"12 €"}');
    assert.deepEqual(event.json(), { total: "12 €" });
  });

  it("parses anew on each call, so that a handler may change what it got", () => {
    const event = eventWith(Buffer.from('{"n":1}'));
    event.json<{ n: number }>().n = 2;
    assert.deepEqual(event.json(), { n: 1 });
  });

  it("names the subject and the place when the payload is not JSON", () => {
    assert.throws(() => eventWith(Buffer.from('{"n":')).json(), {
      code: "invalid_request",
      message: /"orders\.de\.new" is not JSON/,
    });
    assert.throws(() => eventWith(new Uint8Array()).json(), { code: "invalid_request" });
  });
});

describe("InvocationContext", () => {
  it("asks for the signal only when the handler does", () => {
    let asked = 0;
    const context = new InvocationContext({
      invocationId: "i-1",
      workload: { name: "n", namespace: "ns", revision: 3 },
      env: {},
      log: console,
      services: testFunction(() => undefined).services,
      get signal() {
        asked++;
        return AbortSignal.timeout(1000);
      },
    });
    assert.equal(context.workload.revision, 3);
    assert.equal(asked, 0);
    assert.equal(context.signal.aborted, false);
    assert.equal(asked, 1);
  });
});

describe("handlerFailure", () => {
  it("leaves errors of ours as they are", () => {
    const error = new NexError("invalid_request", "x");
    assert.equal(handlerFailure(error), error);
  });

  it("takes what a host service answered for a failure of the function", () => {
    const error = serviceError("no_responders", 'Nobody is subscribed to "a".');
    const failure = handlerFailure(error);
    assert.equal(failure.code, "function_failed");
    assert.match(failure.message, /\(no_responders\): Nobody is subscribed/);
    assert.equal(failure.cause, error);
  });

  it("names what was thrown and keeps it as the cause", () => {
    const thrown = new TypeError("n is not a function.");
    const failure = handlerFailure(thrown);
    assert.equal(failure.code, "function_failed");
    assert.equal(failure.message, "The function threw TypeError: n is not a function.");
    assert.equal(failure.cause, thrown);
  });

  it("describes whatever else can be thrown", () => {
    const messages = ["no", 7, null, undefined, {}, new Error(""), Symbol("s")].map(
      (thrown) => handlerFailure(thrown).message,
    );
    assert.deepEqual(messages, [
      'The function threw "no".',
      "The function threw 7.",
      "The function threw null.",
      "The function threw undefined.",
      "The function threw an object that is not an error.",
      "The function threw Error.",
      "The function threw Symbol(s).",
    ]);
  });

  it("knows an error from another realm", () => {
    assert.match(handlerFailure(runInNewContext("new RangeError('far')")).message, /RangeError: far/);
  });
});
