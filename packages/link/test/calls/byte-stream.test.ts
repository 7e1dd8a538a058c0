import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type ByteStream, INITIAL_CREDIT } from "@nex/link";
import { NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { linkPair } from "../support/link-pair.ts";

const MIB = 1024 * 1024;
const METHOD = 40;

/** Bytes of a stream: how many, and their hash. */
async function digest(stream: ByteStream): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    hash.update(chunk);
  }
  return { size, sha256: hash.digest("hex") };
}

async function pour(stream: ByteStream, blocks: number): Promise<string> {
  const hash = createHash("sha256");
  for (let index = 0; index < blocks; index++) {
    const block = Buffer.alloc(MIB, `block ${index}`);
    hash.update(block);
    await stream.write(block);
  }
  stream.end();
  return hash.digest("hex");
}

describe("A stream", () => {
  it("carries 64 MiB each way at once, unchanged", async () => {
    await using pair = await linkPair();
    const callee = Promise.withResolvers<{ sent: string; found: { size: number; sha256: string } }>();
    pair.right.handle(METHOD, (call) => {
      void Promise.all([pour(call.stream, 64), digest(call.stream)]).then(([sent, found]) => {
        call.reply();
        callee.resolve({ sent, found });
      });
    });
    const { stream, reply } = pair.left.open(METHOD);
    const [sent, found] = await Promise.all([pour(stream, 64), digest(stream), reply]);
    const other = await callee.promise;
    assert.deepEqual(found, { size: 64 * MIB, sha256: other.sent });
    assert.deepEqual(other.found, { size: 64 * MIB, sha256: sent });
  });

  it("lets a writer run no further ahead of a slow reader than its credit", async () => {
    await using pair = await linkPair();
    let incoming: ByteStream | undefined;
    pair.right.handle(METHOD, (call) => (incoming = call.stream));
    const { stream, reply } = pair.left.open(METHOD);
    reply.catch(() => undefined);
    let written = 0;
    const writing = (async () => {
      for (; written < 4 * MIB; written += 16_384) await stream.write(Buffer.alloc(16_384));
      stream.end();
    })();
    let read = 0;
    let most = 0;
    for await (const chunk of await waitFor(() => incoming)) {
      read += chunk.length;
      await pair.left.ping();
      await turn();
      most = Math.max(most, written - read);
    }
    await writing;
    assert.equal(read, 4 * MIB);
    assert.ok(most <= INITIAL_CREDIT, `${most} bytes ahead`);
  });

  it("whose reader has stopped delays nothing else on the link", async () => {
    await using pair = await linkPair();
    pair.right.handle(METHOD, (call) => void call.stream);
    const { stream, reply } = pair.left.open(METHOD);
    reply.catch(() => undefined);
    const writing = stream.write(Buffer.alloc(MIB));
    writing.catch(() => undefined);
    for (let round = 0; round < 20; round++) await pair.left.ping();
    assert.equal(pair.left.congested, false);
  });

  it("ends for both sides with what failed the call, after what had arrived", async () => {
    await using pair = await linkPair();
    pair.right.handle(METHOD, (call) => {
      void call.stream
        .write(Buffer.from("so far"))
        .then(() => call.fail(new NexError("artifact_missing", "The disk is gone.")));
    });
    const { stream, reply } = pair.left.open(METHOD);
    const chunks: string[] = [];
    await assert.rejects(
      async () => {
        for await (const chunk of stream) chunks.push(chunk.toString());
      },
      { code: "artifact_missing" },
    );
    assert.deepEqual(chunks, ["so far"]);
    await assert.rejects(reply, { code: "artifact_missing" });
    await assert.rejects(stream.write(Buffer.from("more")), { code: "artifact_missing" });
  });

  it("fails under the callee's hands when the caller withdraws", async () => {
    await using pair = await linkPair();
    const ended = Promise.withResolvers<unknown>();
    pair.right.handle(METHOD, (call) => {
      digest(call.stream).then(
        () => ended.resolve("a normal end"),
        (error: unknown) => ended.resolve(error),
      );
    });
    const controller = new AbortController();
    const { stream, reply } = pair.left.open(METHOD, undefined, { signal: controller.signal });
    await stream.write(Buffer.alloc(1000));
    controller.abort();
    await assert.rejects(reply, { code: "cancelled" });
    assert.equal(((await ended.promise) as NexError).code, "cancelled");
  });

  it("lets go of a writer that waits for credit when the link closes", async () => {
    await using pair = await linkPair();
    pair.right.handle(METHOD, (call) => void call.stream);
    const { stream, reply } = pair.left.open(METHOD);
    reply.catch(() => undefined);
    const writing = stream.write(Buffer.alloc(MIB));
    pair.right.close(new NexError("interrupted", "Gone."));
    await assert.rejects(writing, { code: "interrupted" });
  });

  it("lets go of a callee that goes on writing after its answer", async () => {
    await using pair = await linkPair();
    const writing = Promise.withResolvers<unknown>();
    pair.right.handle(METHOD, (call) => {
      call.stream.write(Buffer.alloc(MIB)).then(writing.resolve, writing.resolve);
      call.reply();
    });
    await pair.left.request(METHOD);
    assert.equal(((await writing.promise) as NexError).code, "cancelled");
  });

  it("wakes all of several writers", async () => {
    await using pair = await linkPair();
    pair.right.handle(
      METHOD,
      (call) => void digest(call.stream).then(({ size }) => call.reply(Buffer.from(String(size)))),
    );
    const { stream, reply } = pair.left.open(METHOD);
    await Promise.all(Array.from({ length: 4 }, async () => await stream.write(Buffer.alloc(MIB))));
    stream.end();
    assert.equal((await reply).toString(), String(4 * MIB));
  });

  it("sends nothing on a link that has closed, so that its goodbye arrives", async () => {
    await using pair = await linkPair();
    let incoming: ByteStream | undefined;
    pair.right.handle(METHOD, (call) => (incoming = call.stream));
    const { stream, reply } = pair.left.open(METHOD);
    reply.catch(() => undefined);
    await stream.write(Buffer.alloc(INITIAL_CREDIT));
    const reader = await waitFor(() => incoming);
    await pair.left.ping();
    pair.right.close(new NexError("interrupted", "The reason."));
    await assert.rejects(digest(reader), { code: "interrupted" });
    assert.equal((await pair.left.closed).message, "The reason.");
  });
});
