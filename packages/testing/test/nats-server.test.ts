import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "@nats-io/transport-node";
import { childrenOf, processAlive, startNatsServer, temporaryDirectory, waitFor } from "@nex/testing";

describe("a test's nats-server", () => {
  it("answers as soon as it is there, with JetStream if asked, and is gone after stop", async () => {
    const server = await startNatsServer({ jetstream: true, auth: { user: "a", password: "b" } });
    assert.ok(childrenOf(process.pid).includes(server.pid));
    const connection = await connect({ servers: server.url, user: "a", pass: "b" });
    assert.equal(connection.info?.jetstream, true);
    await connection.close();
    await server.stop();
    assert.equal(processAlive(server.pid), false);
  });

  it("tells the server's own words when that does not start", async () => {
    await assert.rejects(startNatsServer({ config: "nonsense: 1" }), /unknown field "nonsense"/);
  });

  it("dies with the process that started it, also by kill -9", async () => {
    const program = fileURLToPath(new URL("fixtures/hold-server.ts", import.meta.url));
    // Killed like that, it cannot remove its store.
    await using directory = await temporaryDirectory();
    const holder = spawn(process.execPath, ["--conditions=@nex/source", program], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: directory.path },
    });
    const [line] = (await once(holder.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    assert.ok(processAlive(pid));
    holder.kill("SIGKILL");
    await waitFor(() => !processAlive(pid), { message: "the server to end" });
  });
});

describe("waitFor", () => {
  it("gives what the condition gave at last, whatever it threw before", async () => {
    let calls = 0;
    const value = await waitFor(() => {
      if (++calls < 3) throw new Error("not yet");
      return calls;
    });
    assert.equal(value, 3);
  });

  it("says what it waited for, and why that did not come", async () => {
    const cause = new Error("broken");
    const waiting = waitFor(() => Promise.reject(cause), { timeoutMs: 20, message: "a miracle" });
    await assert.rejects(waiting, (error: Error) => /a miracle/.test(error.message) && error.cause === cause);
  });
});
