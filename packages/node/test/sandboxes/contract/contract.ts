import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { buildC, buildStaticProgram, processAlive, temporaryDirectory, waitFor } from "@nex/testing";
import type { MakeDriver } from "@nex/testing/sandboxes";
import { TestSystem } from "../../support/system.ts";

export interface ContractOptions {
  readonly makeDriver: MakeDriver;
  /** Why not on this machine. */
  readonly skip?: string | false;
  /** Ends an agent by force, from outside. Default: SIGKILL to its process. */
  readonly killAgent?: (system: TestSystem, id: string) => Promise<void>;
  /** How long to wait for a sandbox to be replaced. Default 10 s. */
  readonly waitMs?: number;
}

const ECHO_C = `
#include <stdio.h>
int main(void) { char line[64] = {0}; fgets(line, sizeof line, stdin); printf("wasm %s", line); return 0; }`;

/** What every sandbox does, however it does it. The disposal of a system fails if anything is left behind. */
export function sandboxContract(
  title: string,
  { makeDriver, skip = false, killAgent = killProcess, waitMs = 10_000 }: ContractOptions,
): void {
  let service: Buffer;
  let wasm: Buffer;
  before(async () => {
    await using directory = await temporaryDirectory("nex-contract-");
    const path = join(directory.path, "service");
    const source = join(import.meta.dirname, "../../elf/fixtures/service.c");
    const [, module] = await Promise.all([buildStaticProgram(source, path), buildC(ECHO_C)]);
    [service, wasm] = [await readFile(path), module];
  });

  void describe(`The ${title} sandbox`, { skip }, () => {
    void test("can be used here, and says nothing against it twice", async () => {
      const driver = makeDriver();
      assert.deepEqual([await driver.unavailable(), await driver.unavailable()], [undefined, undefined]);
    });

    void test("runs functions in JavaScript, with host services and logs", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.deploy(
        `export default async (event, ctx) => {
           console.log("called");
           await ctx.kv.put("key", event.text());
           return { got: (await ctx.kv.get("key")).text(), env: process.env };
         };`,
        { env: { MINE: "1" } },
      );
      const reply = (await system.request("fn", "hello")).json<unknown>();
      assert.deepEqual(reply, { got: "hello", env: { MINE: "1" } });
      await system.told.log("called");
    });

    void test("runs functions in the script form, with synchronous host services", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.deploy(
        `(subject, payload) => { this.hostServices.kv.set("key", payload); return this.hostServices.kv.get("key"); };`,
      );
      assert.equal((await system.request("fn", "hello")).string(), "hello");
    });

    void test("runs functions in WebAssembly", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.deploy(wasm, { kind: "wasm" });
      assert.equal((await system.request("fn", "hello")).string(), "wasm hello");
    });

    void test("runs services, and ends them with all they have started", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      const { instances } = await system.deploy(service, { name: "svc", kind: "elf", triggers: [], argv: ["tell"] });
      await system.told.log("ready");
      const { directory } = system.watch.find(instances[0]!.id);
      await system.supervisor.stop("default", "svc");
      assert.equal(existsSync(directory), false);
    });

    void test("is destroyed after use: its processes are gone, its directory too", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      const { instances } = await system.deploy("export default () => 'here';");
      const { pid, directory } = system.watch.find(instances[0]!.id);
      await system.request("fn");
      await system.supervisor.stop("default", "fn");
      assert.equal(existsSync(directory), false);
      assert.ok(pid === 0 || !processAlive(pid));
      assert.ok(!system.watch.processes().some((line) => line.includes(directory)));
    });

    void test("whose agent is killed is replaced by a fresh one", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      const { instances } = await system.deploy("export default () => 'here';");
      await killAgent(system, instances[0]!.id);
      const { data } = await system.told.event("workload_crashed");
      assert.equal(data["id"], instances[0]!.id);
      assert.equal((await system.request("fn")).string(), "here");
    });

    void test("whose function is killed gets another runner", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.deploy(
        `export default (event) => { if (event.text() === "die") process.kill(process.pid, "SIGKILL"); return "here"; };`,
      );
      await system.request("fn", "die");
      await system.told.event("runner_replaced");
      assert.equal((await system.request("fn")).string(), "here");
      assert.equal(system.told.count("workload_crashed"), 0);
    });

    void test("that goes while it waits is replaced before anybody asks for it", async () => {
      await using system = await TestSystem.start({ driver: makeDriver() });
      await system.whenWarm();
      await killAgent(system, system.watch.seen[0]!.id);
      await waitFor(() => system.watch.seen.length === 2, { message: "another sandbox", timeoutMs: waitMs });
      await system.whenWarm();
    });
  });
}

async function killProcess(system: TestSystem, id: string): Promise<void> {
  process.kill(system.watch.find(id).pid, "SIGKILL");
}
