import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import type { LogRecord, NexEvent, WorkloadDetail, WorkloadSummary } from "@nex/protocol";
import { processAlive } from "@nex/testing";
import { LAUNCHER } from "./support/built-cli.ts";
import { type RunningNode, runningNode } from "./support/running-node.ts";

const GREETER = `import { punctuate } from "./punctuate.ts";
interface Named { name: string }
export default async (event, ctx) => {
  console.log("greeting", event.subject);
  if (event.text() === "fail") throw new TypeError("asked to fail");
  if (event.text() === "headers") return ctx.reply("with headers", { headers: { Kind: ["a", "b"] } });
  if (event.text() === "dawdle") await new Promise((resolve) => setTimeout(resolve, 2000));
  const { name } = event.json() as Named;
  return { greeting: punctuate(ctx.env.GREETING + ", " + name), from: event.captures[0] };
};
`;

interface Deployed {
  readonly name: string;
  readonly namespace: string;
  readonly kind: string;
  readonly revision: number;
  readonly state: string;
  readonly instances: readonly { readonly id: string; readonly node_id: string; readonly state: string }[];
}

describe("a person with nex up", () => {
  let node: RunningNode;
  let deployed: Deployed;

  before(async () => {
    node = await runningNode("--ephemeral");
    await writeFile(join(node.directory, "greeter.ts"), GREETER);
    await writeFile(
      join(node.directory, "punctuate.ts"),
      "export const punctuate = (text: string): string => `${text}!`;",
    );
  });
  after(async () => await node[Symbol.asyncDispose]());

  it("learns from one line of JSON when the node is ready", () => {
    const { type, node_id, server, sandbox, pid } = node.ready;
    assert.equal(type, "node_ready");
    assert.match(node_id, /^N[A-Z2-7]{55}$/);
    assert.match(server, /^nats:\/\/127\.0\.0\.1:\d+$/);
    assert.ok(["bubblewrap", "process"].includes(sandbox), "the strongest that works here");
    assert.ok(processAlive(pid));
  });

  it("runs a TypeScript file with an import, and it answers at once", async () => {
    deployed = await node.json<Deployed>(
      "run",
      "greeter.ts",
      "--trigger",
      "greet.*",
      "--env",
      "GREETING=Hello",
      "--label",
      "team=a",
    );
    const { name, namespace, kind, revision, state, instances } = deployed;
    assert.deepEqual(
      { name, namespace, kind, revision, state },
      { name: "greeter", namespace: "default", kind: "javascript", revision: 1, state: "running" },
    );
    assert.deepEqual(
      instances.map((instance) => [instance.node_id, instance.state]),
      [[node.ready.node_id, "running"]],
    );
    const reply = await node.nex("trigger", "greeter", "--subject", "greet.web", "--data", '{"name":"Ada"}');
    assert.deepEqual([reply.stdout, reply.exit], ['{"greeting":"Hello, Ada!","from":"web"}', 0]);
    const args = ["--subject", "greet.web", "--data", "headers", "--include"];
    assert.equal((await node.nex("trigger", "greeter", ...args)).stdout, "Kind: a\nKind: b\n\nwith headers");
  });

  it("is told what the function threw, with exit code 1", async () => {
    const reply = await node.nex("trigger", "greeter", "--subject", "greet.web", "--data", "fail", "--json");
    const { error } = JSON.parse(reply.stderr) as { error: { code: string; message: string } };
    assert.deepEqual([error.code, reply.exit], ["function_failed", 1]);
    assert.match(error.message, /TypeError: asked to fail/);
  });

  it("is told which subjects fit when a function has a wildcard or another subject", async () => {
    for (const args of [[], ["--subject", "other.web"]]) {
      const reply = await node.nex("trigger", "greeter", ...args, "--json");
      assert.equal(reply.exit, 2);
      assert.match(reply.stderr, /greet\.\*/);
    }
  });

  it("sees it in the list and in full", async () => {
    const [summary, ...others] = await node.json<WorkloadSummary[]>("ls");
    assert.equal(others.length, 0);
    assert.deepEqual(summary?.invocations, { ok: 2, failed: 1, in_flight: 0 });
    assert.deepEqual([summary?.triggers, summary?.restarts], [["greet.*"], 0]);
    const detail = await node.json<WorkloadDetail>("info", "greeter");
    assert.deepEqual(detail.tags, { team: "a" });
    assert.equal(detail.revisions.length, 1);
  });

  it("need not wait for a reply as long as the function may take", async () => {
    const args = ["--subject", "greet.web", "--data", "dawdle", "--wait", "100ms", "--json"];
    const reply = await node.nex("trigger", "greeter", ...args);
    assert.equal((JSON.parse(reply.stderr) as { error: { code: string } }).error.code, "timeout");
    assert.equal(reply.exit, 4);
  });

  it("reads its log, with the author's own file and line", async () => {
    const ran = await node.nex("logs", "greeter", "--json");
    const records = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as LogRecord);
    assert.ok(
      records.every(
        ({ workload, id, time }) =>
          workload === "greeter" && id === deployed.instances[0]!.id && !Number.isNaN(Date.parse(time)),
      ),
    );
    assert.ok(
      records.some(
        ({ level, stream, text }) => level === "info" && stream === "console" && text === "greeting greet.web",
      ),
    );
    const failure = records.find(({ level }) => level === "error");
    assert.match(failure?.text ?? "", /TypeError: asked to fail\n {4}at .*greeter\.ts:5:/);
  });

  it("follows its log while it goes on", async () => {
    const child = spawn(process.execPath, [LAUNCHER, "logs", "greeter", "--follow", "--limit", "0", "--json"], {
      env: { PATH: process.env["PATH"], ...node.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = lines.next();
    let seen: LogRecord | undefined;
    // Sent until the first one is seen: nobody says when a follower has begun to listen.
    while (seen === undefined) {
      await node.nex("trigger", "greeter", "--subject", "greet.follower", "--data", '{"name":"Bob"}');
      const found = await Promise.race([
        next,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 200)),
      ]);
      if (found !== undefined) seen = JSON.parse(String(found.value)) as LogRecord;
    }
    assert.equal(seen.text, "greeting greet.follower");
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
  });

  it("sees what a deploy took away from a function", async () => {
    const less = ["--without", "object-store,messaging", "--kv-size", "64KiB", "--allow-http", "api.example.com"];
    await node.json("run", "greeter.ts", "--name", "narrow", "--trigger", "narrow", ...less);
    const { host_service_limits: limits } = await node.json<WorkloadDetail>("info", "narrow");
    assert.deepEqual(limits, {
      disabled: ["object_store", "messaging"],
      kv_max_bytes: 65_536,
      http_allow: ["api.example.com"],
    });
    const { stdout } = await node.nex("info", "narrow");
    assert.match(stdout, /without object_store; without messaging; http to api\.example\.com only; kv up to 64 KiB/);
    assert.equal((await node.nex("stop", "narrow")).exit, 0);
  });

  it("deploys a second revision and goes back", async () => {
    const second = await node.json<Deployed>("run", "greeter.ts", "--trigger", "greet.*", "--env", "GREETING=Moin");
    assert.equal(second.revision, 2);
    const ask = async (): Promise<string> =>
      (await node.nex("trigger", "greeter", "--subject", "greet.x", "--data", '{"name":"Ada"}')).stdout;
    assert.match(await ask(), /Moin, Ada!/);
    const back = await node.json<{ revision: number }>("rollback", "greeter");
    assert.equal(back.revision, 1);
    assert.match(await ask(), /Hello, Ada!/);
    assert.equal((await node.nex("rollback", "greeter", "--revision", "7")).exit, 3);
  });

  it("sees what happened", async () => {
    const ran = await node.nex("events", "--recent", "--json");
    const types = ran.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as NexEvent).type);
    for (const type of ["node_started", "workload_deployed", "workload_started", "workload_rolled_back"])
      assert.ok(types.includes(type), type);
  });

  it("sees the node", async () => {
    const [listed] = await node.json<{ node_id: string }[]>("node", "ls");
    assert.equal(listed?.node_id, node.ready.node_id);
    const info = await node.json<{ sandbox: string; machines: unknown[] }>("node", "info");
    assert.deepEqual([info.sandbox, info.machines.length], [node.ready.sandbox, 1]);
    const { stdout } = await node.nex("node", "info");
    assert.match(stdout, /Artifacts: +up to 256 MiB/);
    assert.match(stdout, /kv +up to 512 KiB/);
  });

  it("stops it, after which it is not found", async () => {
    assert.deepEqual(await node.json("stop", "greeter"), { name: "greeter", namespace: "default", stopped: true });
    assert.deepEqual(await node.json("ls"), []);
    for (const args of [
      ["stop", "greeter"],
      ["info", "greeter"],
      ["trigger", "greeter", "--subject", "greet.x"],
    ]) {
      assert.equal((await node.nex(...args)).exit, 3, args.join(" "));
    }
  });

  it("works in the long form and under another namespace", async () => {
    const other = await node.json<Deployed>(
      "workload",
      "run",
      "greeter.ts",
      "--name",
      "other",
      "-t",
      "shop.other.*",
      "-e",
      "GREETING=Hi",
      "--namespace",
      "shop",
    );
    assert.deepEqual([other.name, other.namespace], ["other", "shop"]);
    assert.deepEqual(await node.json("workload", "ls"), []);
    assert.equal((await node.json<unknown[]>("workload", "ls", "--namespace", "shop")).length, 1);
    await node.json("workload", "stop", "other", "--namespace", "shop");
  });

  it("ends the node in order with SIGTERM: exit code 0, nobody there afterwards", async () => {
    assert.equal(await node.stop(), 0);
    const ran = await node.nex("ls", "--server", node.ready.server, "--json");
    assert.equal(ran.exit, 4);
  });
});
