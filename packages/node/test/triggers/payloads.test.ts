import assert from "node:assert/strict";
import { test } from "node:test";
import { errorOf } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

/** All 256 byte values over and over, from another start for each size. */
function bytes(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index + size) & 255));
}

test("payloads of every size come back byte for byte", async () => {
  await using system = await TestSystem.start();
  await system.deploy("export default (event) => event.bytes();");
  const limit = system.client.info?.max_payload ?? 0;
  for (const size of [
    0,
    1,
    256,
    16 * 1024 - 1,
    16 * 1024,
    16 * 1024 + 1,
    64 * 1024,
    64 * 1024 + 1,
    limit - 4,
    limit - 64,
  ]) {
    const reply = await system.request("fn", bytes(size));
    assert.ok(bytes(size).equals(reply.data), `${size} bytes came back as ${reply.data.length}`);
  }
});

test("payloads of all sizes at once are not mixed up", async () => {
  await using system = await TestSystem.start();
  await system.deploy("export default async (event) => { await null; return event.bytes(); };");
  const sizes = Array.from({ length: 200 }, (_, index) => (index * 7919) % 40_000);
  const replies = await Promise.all(sizes.map(async (size) => await system.request("fn", bytes(size))));
  for (const [index, size] of sizes.entries()) assert.ok(bytes(size).equals(replies[index]!.data), `${size} bytes`);
});

test("a reply larger than the server carries is answered with reply_too_large", async () => {
  await using system = await TestSystem.start();
  await system.deploy("export default (event) => new Uint8Array(Number(event.text()));");
  const limit = system.client.info?.max_payload ?? 0;
  for (const size of [limit + 1, 4 * limit]) {
    const error = errorOf(await system.request("fn", String(size)));
    assert.equal(error.code, "reply_too_large");
  }
  assert.equal((await system.request("fn", "10")).data.length, 10);
});

test("a reply at the very limit is answered, whatever its headers take", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default (event, ctx) => ctx.reply(new Uint8Array(Number(event.text())), { headers: { a: "1", b: "2" } });`,
  );
  const limit = system.client.info?.max_payload ?? 0;
  const codes = new Set<string>();
  for (let size = limit - 50; size <= limit; size++) {
    const reply = await system.request("fn", String(size));
    if (reply.headers?.has("a") === true) assert.equal(reply.data.length, size);
    else codes.add(errorOf(reply).code);
  }
  assert.deepEqual([...codes], ["reply_too_large"]);
});
