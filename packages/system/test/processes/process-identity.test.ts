import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { isRunning, processIdentity } from "../../src/processes/process-identity.ts";

test("the identity of a process is the same each time and gone with the process", async () => {
  const child = spawn(process.execPath, ["--eval", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  const ended = once(child, "exit");
  try {
    await once(child, "spawn");
    const identity = processIdentity(child.pid!)!;
    assert.deepEqual(processIdentity(child.pid!), identity);
    assert.notEqual(identity.started, processIdentity(process.pid)?.started);
    assert.equal(isRunning(identity), true);
    child.kill("SIGKILL");
    await ended;
    assert.equal(processIdentity(child.pid!), undefined);
    assert.equal(isRunning(identity), false);
  } finally {
    child.kill("SIGKILL");
  }
});
