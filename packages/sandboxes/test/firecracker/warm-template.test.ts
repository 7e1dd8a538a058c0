import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machineName } from "../../src/firecracker/machine-name.ts";
import { allRemains } from "./support/remains.ts";
import { StandIn, TestOrder } from "./support/stand-in.ts";

const skip = process.getuid?.() !== 0 && "only root can make machines";

test(
  "with snapshots one machine boots and is saved; the others begin with a copy, a clock, randomness and a token of their own",
  { skip },
  async () => {
    await using standIn = await StandIn.make({ snapshots: true });
    const orders = ["s1", "s2"].map((id) => new TestOrder(id));
    const before = Date.now();
    const sandboxes = await Promise.all(orders.map(async (order) => await standIn.driver.start(order)));
    try {
      const requests = standIn.requests();
      assert.deepEqual(
        requests.filter(({ fault }) => fault !== undefined),
        [],
      );
      const paths = requests.map(({ method, path, body }) =>
        `${method} ${path} ${(body["action_type"] ?? body["state"] ?? "") as string}`.trim(),
      );
      const count = (line: string): number => paths.filter((one) => one === line).length;
      assert.equal(count("PUT /actions InstanceStart"), 1);
      // Saved when its agent has asked for metadata, not before.
      assert.ok(count("PUT /actions FlushMetrics") >= 3);
      const saved = paths.indexOf("PUT /snapshot/create");
      assert.ok(paths.lastIndexOf("PUT /actions FlushMetrics") < saved);
      assert.equal(paths.slice(0, saved).includes("PUT /mmds"), false, "the saved machine has no metadata");
      assert.equal(count("PUT /snapshot/load"), 2);
      assert.equal(count("PATCH /vm Resumed"), 2);

      const documents = requests
        .filter(({ path }) => path === "/mmds")
        .map(
          ({ body }) =>
            body["nex"] as { agent_id: string; token: string; resume: { unix_ms: number; entropy: string } },
        );
      assert.deepEqual(documents.map(({ agent_id }) => agent_id).sort(), ["s1", "s2"]);
      assert.notEqual(documents[0]!.resume.entropy, documents[1]!.resume.entropy);
      for (const { resume, token } of documents) {
        assert.match(resume.entropy, /^[0-9a-f]{64}$/);
        assert.ok(resume.unix_ms >= before && resume.unix_ms <= Date.now());
        assert.equal(token, "token-1");
      }
      // All share one file of memory, which none may write to.
      const memories = ["s1", "s2"].map((id) =>
        statSync(join(standIn.jails, machineName(id), "root", "snapshot.memory")),
      );
      assert.equal(memories[0]!.ino, memories[1]!.ino);
      assert.deepEqual([memories[0]!.uid, memories[0]!.mode & 0o777], [0, 0o444]);
    } finally {
      await Promise.all(sandboxes.map(async (sandbox) => await sandbox.destroy(0)));
    }
    assert.deepEqual(allRemains(standIn.jails), [machineName("saved1")]);
  },
);

test("a machine that cannot be saved is told of, and others boot", { skip }, async () => {
  await using standIn = await StandIn.make({ snapshots: true, mode: "full" });
  const order = new TestOrder("t");
  const sandbox = await standIn.driver.start(order);
  await sandbox.destroy(0);
  assert.match(order.lines.join("\n"), /No machine could be saved/);
  assert.ok(standIn.requests().some(({ body }) => body["action_type"] === "InstanceStart"));
});
