import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NexError } from "@nex/protocol";
import { natsError } from "../../src/requests/nats-errors.ts";

/** An error as another copy of the NATS library throws it: of the name, not of the class. */
function foreign(name: string, fields: object = {}, cause?: unknown): Error {
  return Object.assign(new Error(`the ${name}`, { cause }), { name, ...fields });
}

describe("natsError", () => {
  it("tells what a failure means, also where another error hides it", () => {
    const cases: readonly (readonly [Error, string])[] = [
      [foreign("NoResponders"), "no_node"],
      [foreign("TimeoutError"), "timeout"],
      [foreign("PermissionViolationError", { operation: "publish", subject: "a" }), "not_allowed"],
      [foreign("JetStreamNotEnabled"), "jetstream_unavailable"],
      [foreign("JetStreamApiError", { code: 10_077 }), "artifact_quota"],
      [foreign("JetStreamApiError", { code: 10_003 }), "internal"],
      [foreign("AuthorizationError"), "authentication_failed"],
      [foreign("ClosedConnectionError"), "connection_failed"],
      [new TypeError("what?"), "internal"],
    ];
    for (const [error, code] of cases) {
      assert.equal(natsError(error, "s").code, code, error.name);
      const wrapped = natsError(foreign("RequestError", {}, error), "s");
      assert.equal(wrapped.code, code, error.name);
      assert.equal(wrapped.data["subject"], code === "not_allowed" ? "a" : "s");
    }
  });

  it("leaves our own errors alone, and copes with what is no error", () => {
    const own = new NexError("lame_duck", "x");
    assert.equal(natsError(own, "s"), own);
    assert.match(natsError("text", "s").message, /text/);
    const circle = new Error("circle");
    circle.cause = circle;
    assert.equal(natsError(circle, "s").code, "internal");
  });
});
