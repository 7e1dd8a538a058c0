import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { encodeMessage, objectLocation, signRequest, SigningKey } from "@nex/protocol";
import { nodeOptions, passableDirectory, type Reply } from "../control-api/support/running-node.ts";
import { NexNode } from "../../src/node.ts";

test("a service may be connected to the server embedded in its node, whatever the config, and to nothing else", async () => {
  await using directory = await passableDirectory();
  const contextFile = join(directory.path, "context.json");
  await using node = await NexNode.start({
    ...nodeOptions("", directory.path),
    nats: { embedded: { ephemeral: true, contextFile } },
  });
  const { user, password } = JSON.parse(await readFile(contextFile, "utf8")) as { user: string; password: string };
  const client = await connect({ servers: node.server, user, pass: password });
  const { port } = new URL(node.server);
  const codeFor = async (destination: string): Promise<string | undefined> => {
    const request = signRequest(
      SigningKey.create("account"),
      {
        name: "service",
        action: "deploy",
        namespace: "default",
        nexus: "nexus",
        expiresAt: Date.now() + 60_000,
      },
      {
        type: "native",
        location: objectLocation("nex_artifacts", "x"),
        environment: "",
        sender_public_key: "",
        target_node: node.id,
        connect: [destination],
      },
    );
    const reply = await client.request(`$NEX.DEPLOY.default.${node.id}`, encodeMessage(request), { timeout: 20_000 });
    return reply.json<Reply>().code;
  };
  // What is checked next is refused: the destination was not.
  for (const host of ["127.0.0.1", "localhost"]) assert.equal(await codeFor(`${host}:${port}`), "claims_mismatch");
  assert.equal(await codeFor("localhost:22"), "connect_denied");
  await client.close();
});
