import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTrigger, encodeReplyHead } from "@nex/link";
import { NexError } from "@nex/protocol";
import { headers } from "@nats-io/transport-node";
import { waitFor } from "@nex/testing";
import { ByteBudget } from "@nex/host-services/host";
import { DispatchBench } from "../support/dispatch-bench.ts";
import { errorOf, outcome } from "../support/reply.ts";

test("messages that come before a runner wait for it, within the bound of the line", async () => {
  await using bench = await DispatchBench.open();
  const requests = Array.from({ length: 6 }, async (_, index) => await bench.request(String(index)));
  await waitFor(() => bench.dispatcher.unrun.counts.failed === 2);
  const { link, calls } = await bench.runner();
  bench.worker.attach(link, "first", "many");
  await waitFor(() => calls.length === 4);
  for (const call of calls) call.reply(encodeReplyHead(), decodeTrigger(call.body).payload);
  const replies = await Promise.all(requests);
  assert.deepEqual(
    replies.slice(0, 4).map((reply) => reply.string()),
    ["0", "1", "2", "3"],
  );
  assert.deepEqual(replies.slice(4).map(outcome), ["overloaded", "overloaded"]);
  assert.match(errorOf(replies[4]!).invocation_id, /^early-w\d+$/);
});

test("messages that wait are counted with their headers, and past the budget callers hear whose is full", async () => {
  const node = new ByteBudget(300 * 1024, "functions of this node");
  await using bench = await DispatchBench.open({
    maxWaiting: 100,
    heldBytes: new ByteBudget(2 ** 30, 'the function "fn"', node),
  });
  const large = headers();
  large.set("padding", "x".repeat(100 * 1024));
  const requests = Array.from(
    { length: 4 },
    async () => await bench.client.request("work", "", { headers: large, timeout: 30_000 }),
  );
  await waitFor(() => bench.dispatcher.unrun.counts.failed === 2);
  assert.ok(node.taken > 200 * 1024 && node.taken <= node.limit);
  const { link, calls } = await bench.runner();
  bench.worker.attach(link, "first", "many");
  await waitFor(() => calls.length === 2);
  for (const call of calls) call.reply(encodeReplyHead());
  const replies = await Promise.all(requests);
  assert.deepEqual(replies.map(outcome), ["ok", "ok", "overloaded", "overloaded"]);
  assert.match(errorOf(replies[2]!).message, /held for functions of this node.* has 2\d\d\b.* of the 300 KiB/);
  assert.equal(node.taken, 0);
});

test("a runner of the script form gets one message at a time", async () => {
  await using bench = await DispatchBench.open();
  const { link, calls } = await bench.runner();
  bench.worker.attach(link, "first", "one");
  const requests = Array.from({ length: 3 }, async () => await bench.request());
  for (let count = 1; count <= 3; count++) {
    await waitFor(() => calls.length === count);
    assert.equal(bench.worker.inFlight, 1);
    calls.at(-1)!.reply(encodeReplyHead());
  }
  assert.deepEqual((await Promise.all(requests)).map(outcome), ["ok", "ok", "ok"]);
});

test("when a runner is lost what it held is interrupted, and what waits goes to the next", async () => {
  await using bench = await DispatchBench.open({ maxInFlight: 1 });
  const first = await bench.runner();
  bench.worker.attach(first.link, "first", "many");
  const [held, waiting] = [bench.request("held"), bench.request("waiting")];
  await waitFor(() => first.calls.length === 1);
  first.far.close();
  assert.equal(outcome(await held), "interrupted");
  bench.worker.detach();
  const second = await bench.runner();
  bench.worker.attach(second.link, "second", "many");
  await waitFor(() => second.calls.length === 1);
  second.calls[0]!.reply(encodeReplyHead(), Buffer.from("served"));
  assert.equal((await waiting).string(), "served");
});

test("a reply that is cut short ends the runner's link, and its caller is told", async () => {
  await using bench = await DispatchBench.open();
  const { link, calls } = await bench.runner();
  bench.worker.attach(link, "first", "many");
  const request = bench.request();
  await waitFor(() => calls.length === 1);
  calls[0]!.reply(Buffer.from([9, 0, 0, 0, 255, 255, 255, 255]));
  assert.equal(outcome(await request), "interrupted");
  assert.equal((await link.closed).code, "link_protocol");
});

test("a message that waits past its deadline is told that it was not run", async () => {
  await using bench = await DispatchBench.open({ deadlineMs: 300 });
  const error = errorOf(await bench.request());
  assert.equal(error.code, "deadline_exceeded");
  assert.match(error.message, /300 ms .*was not run/);
  assert.deepEqual(bench.expired, [{ subject: "work", invocationId: error.invocation_id }]);
});

test("while a runner has not acknowledged a missed deadline messages wait, and go on as soon as it does", async () => {
  await using bench = await DispatchBench.open({ deadlineMs: 800 });
  const { link, socket, calls } = await bench.runner({ unresponsiveMs: 20_000 });
  bench.worker.attach(link, "first", "many");
  // The far end stands still: nothing it is sent is read, so nothing is acknowledged.
  socket.pause();
  const late = bench.request();
  const { code, invocation_id: invocationId } = errorOf(await late);
  assert.equal(code, "deadline_exceeded");
  assert.deepEqual(bench.overdue, [{ subject: "work", invocationId }]);
  assert.equal(bench.worker.inFlight, 0);
  const next = bench.request("next");
  await bench.client.flush();
  assert.ok(link.congested);
  socket.resume();
  await waitFor(() => calls.length === 2);
  calls[1]!.reply(encodeReplyHead(), Buffer.from("done"));
  assert.equal((await next).string(), "done");
});

test("whenIdle waits for all, close answers what waits", async () => {
  await using bench = await DispatchBench.open({ maxInFlight: 1 });
  await bench.dispatcher.whenIdle();
  const { link, calls } = await bench.runner();
  bench.worker.attach(link, "first", "many");
  const [held, waiting] = [bench.request("held"), bench.request("waiting")];
  await waitFor(() => calls.length === 1);
  let idle = false;
  const whenIdle = bench.dispatcher.whenIdle().then(() => (idle = true));
  bench.dispatcher.close(new NexError("interrupted", "It stops."));
  assert.equal(errorOf(await waiting).message, "It stops.");
  assert.equal(idle, false);
  calls[0]!.reply(encodeReplyHead(), Buffer.from("held"));
  assert.equal((await held).string(), "held");
  await whenIdle;
  assert.deepEqual(
    [bench.worker.stats.counts, bench.dispatcher.unrun.counts],
    [
      { ok: 1, failed: 0 },
      { ok: 0, failed: 1 },
    ],
  );
});

test("a message without a reply is run, one with a reply subject of the server's own is not", async () => {
  await using bench = await DispatchBench.open();
  const { link, calls } = await bench.runner();
  bench.worker.attach(link, "first", "many");
  bench.client.publish("work", "forbidden", { reply: "$JS.API.INFO" });
  bench.client.publish("work", "silent");
  await waitFor(() => calls.length === 1);
  assert.equal(decodeTrigger(calls[0]!.body).payload.toString(), "silent");
  calls[0]!.reply(encodeReplyHead());
  await waitFor(() => bench.worker.stats.counts.ok === 1);
  assert.deepEqual(bench.refusedReplies, ["$JS.API.INFO"]);
});

test("each message goes to the worker with the fewest in flight, and past one without a runner", async () => {
  await using bench = await DispatchBench.open({ maxInFlight: 2 });
  const [first, second] = [await bench.runner(), await bench.runner()];
  const other = bench.addWorker();
  bench.worker.attach(first.link, "first", "many");
  other.attach(second.link, "second", "many");
  const requests = Array.from({ length: 4 }, async () => await bench.request());
  await waitFor(() => first.calls.length === 2 && second.calls.length === 2);
  bench.worker.detach();
  for (const call of [...first.calls, ...second.calls]) call.reply(encodeReplyHead());
  await Promise.all(requests);
  const next = bench.request();
  await waitFor(() => second.calls.length === 3);
  second.calls[2]!.reply(encodeReplyHead(), Buffer.from("second"));
  assert.equal((await next).string(), "second");
  assert.equal(first.calls.length, 2);
});

test("a worker that retires finishes what it has, and what comes meanwhile is the others'", async () => {
  await using bench = await DispatchBench.open();
  const [first, second] = [await bench.runner(), await bench.runner()];
  bench.worker.attach(first.link, "first", "many");
  const held = bench.request();
  await waitFor(() => first.calls.length === 1);
  const other = bench.addWorker();
  other.attach(second.link, "second", "many");
  let isRetired = false;
  const retired = bench.dispatcher.retire(bench.worker).then(() => (isRetired = true));
  const next = bench.request();
  await waitFor(() => second.calls.length === 1);
  second.calls[0]!.reply(encodeReplyHead(), Buffer.from("second"));
  assert.equal((await next).string(), "second");
  assert.equal(isRetired, false);
  first.calls[0]!.reply(encodeReplyHead(), Buffer.from("first"));
  assert.equal((await held).string(), "first");
  await retired;
});
