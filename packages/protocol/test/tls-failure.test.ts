import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tlsFailure } from "../src/tls-failure.ts";

const error = (code: string, message = ""): Error => Object.assign(new Error(message), { code });

describe("a failed TLS handshake", () => {
  it("is found behind the error of the NATS client", () => {
    const wrapped = new Error("error connecting", { cause: new Error("x", { cause: error("CERT_NOT_YET_VALID") }) });
    assert.match(tlsFailure(wrapped)?.why ?? "", /not valid yet/);
  });

  it("is told by its code where nothing better is known", () => {
    assert.equal(tlsFailure(error("ERR_SSL_SOMETHING_NEW"))?.why, "the TLS handshake failed (ERR_SSL_SOMETHING_NEW)");
    for (const [code, why] of [
      ["ERR_SSL_WRONG_VERSION_NUMBER", /does not speak TLS/],
      ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", /no version of TLS in common/],
      ["ERR_OSSL_PEM_NO_START_LINE", /cannot be read/],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", /authority that is not known/],
    ] as const)
      assert.match(tlsFailure(error(code))?.why ?? "", why, code);
  });

  it("is what a connection ends of that is just closed, where TLS was asked for", () => {
    for (const closed of [error("ECONNRESET", "read ECONNRESET"), error("EPIPE"), new Error(""), undefined]) {
      assert.match(tlsFailure(closed, true)?.why ?? "", /perhaps it wants a client's certificate that it trusts/);
      assert.equal(tlsFailure(closed), undefined);
    }
    assert.equal(tlsFailure(error("ECONNREFUSED", "connect ECONNREFUSED"), true), undefined);
    assert.equal(tlsFailure(new Error("timeout"), true), undefined);
  });

  it("is no other failure", () => {
    for (const other of [error("ECONNREFUSED", "connect ECONNREFUSED"), new Error("timeout"), "tls", undefined])
      assert.equal(tlsFailure(other), undefined);
    const circle: Error & { cause?: unknown } = new Error("round");
    circle.cause = circle;
    assert.equal(tlsFailure(circle), undefined);
  });
});
