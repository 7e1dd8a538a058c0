import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { childrenOf, waitFor } from "@nex/testing";
import type { PlanOptions } from "../support/plan.ts";
import { errorOf } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";
import { b64, codeOf, valueOf } from "./support/guest-calls.ts";
import { watchMemory } from "./support/memory.ts";
import { buildFixture, wasmDriver } from "./support/wasm-guest.ts";

const MIB = 1024 * 1024;
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

let stubborn: Promise<Buffer> | undefined;

/** Deploys the guest that does with host services mostly what it should not. */
async function deployStubborn(system: TestSystem, options: PlanOptions = {}): Promise<void> {
  stubborn ??= buildFixture("stubborn.c");
  await system.deploy(await stubborn, { kind: "wasm", ...options });
}

/** The lines of its answer, each `name=result code: message`. */
async function linesOf(system: TestSystem, what: string): Promise<string[]> {
  return (await system.request("fn", what)).string().split("\n");
}

/** Of the largest of all runners, bytes. */
function peakOfRunners(system: TestSystem): number {
  const runners = system.watch.seen.flatMap(({ pid }) => childrenOf(pid));
  const kib = runners.map((pid) => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
  return Math.max(...kib) * 1024;
}

describe("host services of WebAssembly functions", () => {
  it("stream 64 MiB through the node and a function of 2 MiB", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system, { memoryBytes: 2 * MIB, deadlineMs: 60_000 });
    const before = peakOfRunners(system);
    using memory = watchMemory();
    const reply = await system.request("fn", "large");
    assert.equal(reply.string(), `${64 * MIB} ${64 * MIB} 0 1`);
    assert.ok(memory.grown < 32 * MIB, `the node grew by ${Math.round(memory.grown / MIB)} MiB`);
    // With garbage that was not collected yet; it would hold the object twice.
    const grown = peakOfRunners(system) - before;
    assert.ok(grown < 96 * MIB, `the runner grew by ${Math.round(grown / MIB)} MiB`);
  });

  it("refuse what does not lie inside the function's memory, and do the rest", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    const [beyond, across, around, ...rest] = await linesOf(system, "pointers");
    assert.match(
      beyond!,
      /^key beyond=-2 bad_pointer: 1 bytes at address \d+ do not lie inside the function's memory\.$/,
    );
    assert.match(across!, /^key across=-2 bad_pointer/);
    assert.match(around!, /^key around=-2 bad_pointer: 2 bytes at address 4294967295 /);
    assert.deepEqual(rest, [
      "length=-2",
      "negative=-2",
      "value=-2",
      "headers=-2",
      "take=-2",
      "message=-2",
      "nothing at the end=1",
      "get=5",
      "take across=-2",
      "take=5",
      "write=-2",
      "write good=0",
      "finish=0",
      "read=-2",
      "read good=5",
      "read end=0",
      "",
    ]);
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("take no handle that was not given out, is closed or of another kind, and not too many", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    assert.deepEqual(await linesOf(system, "handles"), [
      "first=1",
      "second=2",
      "forged=-3 bad_handle: There is no handle 77: it was closed, or never given out.",
      "huge=-3 bad_handle: There is no handle 4294967295: it was closed, or never given out.",
      "zero=-3 bad_handle: There is no handle 0: it was closed, or never given out.",
      "read a write=-3 bad_handle: Handle 1 is a stream that is not read from.",
      "write a list=-3 bad_handle: Handle 2 is a list that is not written to.",
      "next of a stream=-3 bad_handle: Handle 1 is a stream, not a list.",
      "close=0",
      "close again=-3",
      "finish closed=-3",
      "32 open, then one more=-13 overloaded: The invocation has 32 streams and lists open, which is as many as it may have. Close some of them first.",
      "field=-4",
      "number=-1",
      "never=-1",
      "",
    ]);
    assert.equal((await linesOf(system, "handles"))[0], "first=1");
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("take texts that are UTF-8 and of bearable length only", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    const lines = await linesOf(system, "texts");
    assert.deepEqual(
      lines.map((line) => line.split(":", 1)[0]),
      [
        "key=-4 invalid_request",
        "surrogate=-4 invalid_request",
        "cut=-4 invalid_request",
        "header=-4 invalid_request",
        "return=-4 invalid_request",
        "long=-10 too_large",
        "zero=-5 invalid_key",
        "redirect=-4 invalid_request",
        "url=-4 invalid_request",
        "value=-10 too_large",
        "",
      ],
    );
    assert.match(lines[0]!, /The key is not UTF-8 text\.$/);
  });

  it("speak HTTP: bodies of any size both ways, headers, redirects and refusals", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/moved") response.writeHead(302, { location: "/there" }).end("moved");
      else {
        response.writeHead(request.url === "/there" ? 404 : 201, "Fine", {
          "x-method": request.method,
          "x-sent": request.headers["x-sent"] ?? "",
          "x-many": ["1", "2"],
        });
        // Answers while it still reads.
        request.pipe(response);
      }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    await using system = await TestSystem.start({ hostServices: { http: { allow: ["127.0.0.1"] } } });
    const guest = await wasmDriver(system);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const large = Buffer.alloc(900_000, "0123456789");
    const [posted, sent, headed, followed, manual, failed, denied] = await guest.run(
      ["http", "fetch", `${url}/a`, { method: "POST", headers: { "X-Sent": "mine" }, body: ALL_BYTES }],
      ["http", "send", `${url}/b`, { method: "PUT", body: large.subarray(0, 400_000) }],
      ["http", "fetch", `${url}/c`, { method: "HEAD" }],
      ["http", "fetch", `${url}/moved`],
      ["http", "fetch", `${url}/moved`, { redirect: "manual" }],
      ["http", "fetch", `${url}/moved`, { redirect: "error" }],
      ["http", "send", "http://10.0.0.1/", { method: "POST", body: large.subarray(0, 300_000) }],
    );
    server.closeAllConnections();
    server.close();
    const shown = valueOf(posted) as { readonly headers: Readonly<Record<string, string>> };
    assert.deepEqual(
      {
        ...shown,
        headers: { method: shown.headers["x-method"], many: shown.headers["x-many"], sent: shown.headers["x-sent"] },
      },
      {
        ...b64(ALL_BYTES),
        status: 201,
        redirected: false,
        url: `${url}/a`,
        headers: { method: "POST", many: "1,2", sent: "mine" },
      },
    );
    assert.deepEqual((valueOf(sent) as { b64: string }).b64, large.subarray(0, 400_000).toString("base64"));
    assert.deepEqual(valueOf(headed), { ...(valueOf(headed) as object), ...b64(""), status: 201 });
    assert.deepEqual(valueOf(followed), {
      ...(valueOf(followed) as object),
      status: 404,
      redirected: true,
      url: `${url}/there`,
    });
    assert.deepEqual(valueOf(manual), {
      ...(valueOf(manual) as object),
      ...b64("moved"),
      status: 302,
      redirected: false,
    });
    assert.equal(codeOf(failed), "http_failed");
    assert.equal(codeOf(denied), "http_denied");
  });

  it("find the function's memory where it is after it has grown", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    assert.deepEqual(await linesOf(system, "grow"), ["get=5", "take=5", "put=0", "again=5", "grown"]);
  });

  it("end with the invocation that waits in them, and the runner serves the next one", async () => {
    await using system = await TestSystem.start({ hostServices: { http: { allow: ["127.0.0.1"] } } });
    system.client.subscribe("silent", { callback: () => undefined });
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    await deployStubborn(system, { deadlineMs: 300 });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (const what of ["wait", "wait many", url]) {
      assert.equal(errorOf(await system.request("fn", what)).code, "deadline_exceeded", what);
      await system.told.log("was given up while the function waited for a host service");
      // What it would have done next it did not do.
      assert.equal((await system.request("fn", "alive")).string(), "-1", what);
    }
    server.closeAllConnections();
    server.close();
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("do not keep a function that loops from being ended", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system, { deadlineMs: 500 });
    assert.equal(errorOf(await system.request("fn", "loop")).code, "deadline_exceeded");
    await system.told.event("runner_replaced");
  });

  it("close what an invocation leaves open: a body half written is no object", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    assert.equal((await system.request("fn", "half")).string(), "left");
    const manager = await jetstreamManager(system.client);
    await waitFor(
      async () => (await manager.streams.info("OBJ_hs_default_fn_obj").catch(() => undefined))?.state.messages === 0,
      { message: "the chunks to be taken away again" },
    );
  });

  it("leave traps, exit codes and overflows of the stack what they are", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    const message = async (what: string): Promise<string> => errorOf(await system.request("fn", what)).message;
    assert.equal(await message("trap"), "The function trapped: unreachable.");
    assert.equal(await message("exit"), "The function exited with code 7.");
    assert.equal(await message("deep"), "The function trapped: stack overflow.");
    assert.match(await message("wrong"), /declared the import "kv_delete" with other parameters.*\(i32, i32\)/);
    await system.told.log("at main");
    assert.equal(system.told.count("runner_replaced"), 0);
  });

  it("refuse a request that only the function itself could answer", async () => {
    await using system = await TestSystem.start();
    await deployStubborn(system);
    assert.match(
      (await system.request("fn", "self")).string(),
      /^self=-14 self_request: .*wait for this function itself/,
    );
  });
});
