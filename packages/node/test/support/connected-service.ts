import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { encodeMessage, parseMessage, workloadsResponseSchema } from "@nex/protocol";
import { buildStaticProgram, startNatsServer, temporaryDirectory, type TestNats, waitFor } from "@nex/testing";
import type { NodeOptions } from "../../src/config/node-config.ts";
import type { SandboxName } from "@nex/sandboxes";
import { deployFunction } from "../control-api/support/deploys.ts";
import { type Reply, RunningNode } from "../control-api/support/running-node.ts";

const EXAMPLE = join(import.meta.dirname, "..", "..", "..", "..", "examples", "service-c", "echo-service.c");

/**
 * What holds for a service with `--connect` in every sandbox: the same tests, with the example that speaks NATS.
 * @param network of the sandbox: where it is the machine's, nothing is kept back
 */
export function describeConnectedService(
  sandbox: SandboxName,
  network: "host" | "none",
  { config = {}, skip = false }: { readonly config?: NodeOptions; readonly skip?: string | false } = {},
): void {
  void describe(`a service in the ${sandbox} sandbox that is connected to a NATS server`, { skip }, () => {
    const stack = new AsyncDisposableStack();
    let program: Buffer;
    let nats: TestNats;
    let running: RunningNode;
    /** On the node's list, but nobody listens there. */
    let closed: string;

    before(async () => {
      const path = join(stack.use(await temporaryDirectory()).path, "echo-service");
      await buildStaticProgram(EXAMPLE, path);
      program = await readFile(path);
      nats = stack.use(await startNatsServer({ jetstream: true }));
      const other = await startNatsServer();
      closed = `localhost:${other.port}`;
      await other.stop();
      const services = { connect: [`localhost:${nats.port}`, closed] };
      running = stack.use(await RunningNode.start({ nats, config: { ...config, sandbox, services } }));
    });
    after(async () => await stack.disposeAsync());

    const deploy = async (name: string, host: string, connect: readonly string[]): Promise<Reply> =>
      await deployFunction(running, {
        name,
        source: program,
        env: { NATS_URL: `nats://${host}`, SUBJECT: name },
        claims: { kind: "elf" },
        request: { type: "native", kind: "elf", trigger_subjects: [], connect },
      });
    const ask = async (subject: string, payload: string): Promise<string> =>
      await waitFor(
        async () =>
          await running.client.request(subject, payload, { timeout: 20_000 }).then(
            (reply) => reply.string(),
            // It has connected, but may not have subscribed yet.
            () => undefined,
          ),
        { message: `an answer on ${subject}` },
      );

    void it("by its name answers requests, small and large", async () => {
      const server = `localhost:${nats.port}`;
      const reply = await deploy("shout", server, [server]);
      assert.equal(reply.error, undefined);
      assert.equal(await ask("shout", "hello"), "HELLO");
      const large = "x".repeat(1_000_000);
      assert.equal(await ask("shout", large), large.toUpperCase());
      const { workloads } = parseMessage(
        workloadsResponseSchema,
        encodeMessage((await running.ask("$NEX.WORKLOADS.default")).data),
      );
      assert.deepEqual(workloads.find(({ name }) => name === "shout")?.connect, [server]);
    });

    void it("by its address answers too, beside the first", async () => {
      const server = `127.0.0.1:${nats.port}`;
      const reply = await deploy("call", server, [server]);
      assert.equal(reply.error, undefined);
      assert.equal(await ask("call", "hello"), "HELLO");
      assert.equal(await ask("shout", "still here"), "STILL HERE");
    });

    void it("that is not there fails, and its deploy says so", async () => {
      const reply = await deploy("lost", closed, [closed]);
      assert.equal(reply.code, "deploy_failed");
      if (network === "host") assert.match(reply.error!, /cannot connect/);
      else await running.told.log(`${closed} cannot be reached: connect ECONNREFUSED`);
    });

    if (network === "none") {
      void it("reaches it only by being connected", async () => {
        const reply = await deploy("cut-off", `localhost:${nats.port}`, []);
        assert.equal(reply.code, "deploy_failed");
        assert.match(reply.error!, /cannot (connect|find)/);
      });
    }

    void it("is connected to nothing that the node's list does not name", async () => {
      const reply = await deploy("elsewhere", "localhost:1", ["localhost:1"]);
      assert.equal(reply.code, "connect_denied");
      assert.deepEqual(reply.details, { destination: "localhost:1" });
    });
  });
}
