import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLinkAddress } from "@nex/link";

describe("A link address", () => {
  it("is a unix socket's path or a host and port", () => {
    assert.deepEqual(parseLinkAddress("unix:/run/node.sock"), { kind: "unix", path: "/run/node.sock" });
    assert.deepEqual(parseLinkAddress("tcp:169.254.0.22:9222"), { kind: "tcp", host: "169.254.0.22", port: 9222 });
    assert.deepEqual(parseLinkAddress("tcp:fd00::1:9222"), { kind: "tcp", host: "fd00::1", port: 9222 });
  });

  it("is nothing else", () => {
    for (const junk of [
      "",
      "unix:",
      "unix:relative",
      "tcp:",
      "tcp:host",
      "tcp:host:0",
      "tcp:host:65536",
      "tcp::1",
      "http://x",
      "tcp:host:12x",
    ]) {
      assert.throws(() => parseLinkAddress(junk), { code: "link_protocol" }, JSON.stringify(junk));
    }
  });
});
