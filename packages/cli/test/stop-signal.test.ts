import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { waitFor } from "@nex/testing";

interface Listener {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
}

async function startListener(args: readonly string[] = [], ipc: boolean = false): Promise<Listener> {
  const fixture = join(import.meta.dirname, "fixtures/wait-for-stop.ts");
  const child = spawn(process.execPath, ["--conditions=@nex/source", fixture, ...args], {
    stdio: ["ignore", "pipe", "inherit", ...(ipc ? (["ipc"] as const) : [])],
    env: { ...process.env, ...(ipc ? { NEX_LAUNCHER: String(process.pid) } : {}) },
  });
  const lines: string[] = [];
  child.stdout!.on("data", (chunk) => lines.push(...String(chunk).trim().split("\n")));
  await waitFor(() => lines.includes("listening"));
  return { child, lines };
}

for (const [signal, exit] of [
  ["SIGINT", "130"],
  ["SIGTERM", "143"],
  ["SIGHUP", "129"],
] as const) {
  test(`${signal} asks the command to end, with ${exit}`, async () => {
    const { child, lines } = await startListener();
    child.kill(signal);
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.deepEqual(lines, ["listening", exit]);
  });
}

test("one key press that arrives twice is one", async () => {
  const { child, lines } = await startListener(["stubborn"]);
  child.kill("SIGINT");
  child.kill("SIGINT");
  await waitFor(() => lines.includes("130"));
  assert.equal(child.exitCode, null);
  // Later presses are meant; how much later, only repeating can tell.
  await waitFor(() => {
    child.kill("SIGINT");
    return child.exitCode !== null;
  });
  assert.equal(child.exitCode, 130);
});

test("the launcher's death ends the program, and its channel alone does not keep it", async () => {
  const { child, lines } = await startListener([], true);
  child.disconnect();
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.deepEqual(lines, ["listening", "143"]);
});
