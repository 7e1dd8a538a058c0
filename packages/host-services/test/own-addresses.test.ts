import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { isOwnAddress } from "../src/http/own-addresses.ts";

const PROCESS = join(import.meta.dirname, "support/own-network-process.ts");
const skip = process.getuid?.() !== 0 && "only root can make networks";

test("every address of this machine's interfaces is its own, and no other", () => {
  for (const found of Object.values(networkInterfaces()))
    for (const { address } of found ?? []) assert.ok(isOwnAddress(address), address);
  assert.ok(!isOwnAddress("8.8.8.8"));
  assert.ok(!isOwnAddress("2606:4700::1111"));
});

// Nothing leaves the namespace: it has no interface but its loopback.
test(
  "HTTP does not reach the node's own public addresses, as they are at the time of the request",
  { skip },
  async () => {
    const { stdout } = await promisify(execFile)("unshare", [
      "--net",
      process.execPath,
      "--conditions=@nex/source",
      PROCESS,
    ]);
    assert.deepEqual(JSON.parse(stdout), {
      allowsBefore: [true, true],
      after: ["http_denied", "http_denied"],
      opened: 200,
    });
  },
);
