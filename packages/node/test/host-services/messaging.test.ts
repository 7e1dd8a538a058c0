import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headers } from "@nats-io/transport-node";
import { waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";
import { b64, codeOf, valueOf } from "./support/guest-calls.ts";
import { FORMS } from "./support/wasm-guest.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

for (const { form, open } of FORMS) {
  describe(`messaging in the ${form}`, () => {
    it("carries exact bytes and headers both ways, without those that speak for the server", async () => {
      await using system = await TestSystem.start();
      system.client.subscribe("echo", {
        callback: (_, message) => {
          const back = headers();
          for (const [name, values] of message.headers ?? []) for (const value of values) back.append(name, value);
          back.append("X-Back", "1");
          back.append("X-Back", "2");
          message.respond(message.data, { headers: back });
        },
      });
      const guest = await open(system);
      const given = { headers: { "X-Mine": "ü", "Nats-Msg-Id": "7", "nats-rollup": "all" } };
      const [answer] = await guest.run(["messaging", "request", "echo", ALL_BYTES, given]);
      assert.deepEqual(valueOf(answer), {
        ...b64(ALL_BYTES),
        headers: [
          ["X-Mine", ["ü"]],
          ["X-Back", ["1", "2"]],
        ],
      });
      const seen: Uint8Array[] = [];
      system.client.subscribe("note", { callback: (_, { data }) => void seen.push(data) });
      await system.client.flush();
      assert.equal(codeOf((await guest.run(["messaging", "publish", "note", ALL_BYTES]))[0]), "ok");
      await waitFor(() => seen.length === 1);
      assert.deepEqual(Buffer.from(seen[0]!), Buffer.from(ALL_BYTES));
    });

    it("tells nobody there, silence and too much apart", async () => {
      await using system = await TestSystem.start();
      system.client.subscribe("silent", { callback: () => undefined });
      await system.client.flush();
      const guest = await open(system);
      const outcomes = await guest.run(
        ["messaging", "request", "nobody"],
        ["messaging", "request", "silent", "", { timeoutMs: 50 }],
        ["messaging", "requestMany", "nobody"],
        ["messaging", "requestMany", "silent", "", { timeoutMs: 50 }],
        ["messaging", "request", "silent", "", { timeoutMs: -1 }],
        ["messaging", "publish", "a.*"],
        ["messaging", "publish", ""],
      );
      assert.deepEqual(outcomes.map(codeOf), [
        "no_responders",
        "timeout",
        "no_responders",
        "ok",
        "invalid_request",
        "invalid_subject",
        "invalid_subject",
      ]);
      assert.deepEqual(valueOf(outcomes[3]), []);
    });

    it("collects many answers until count, quiet time or deadline", async () => {
      await using system = await TestSystem.start();
      system.client.subscribe("many", {
        callback: (_, message) => {
          for (const text of ["1", "2", "3"]) message.respond(text);
        },
      });
      await system.client.flush();
      const guest = await open(system);
      const [two, quiet, time] = await guest.run(
        ["messaging", "requestMany", "many", "", { count: 2, timeoutMs: 10_000 }],
        ["messaging", "requestMany", "many", "", { quietMs: 50, timeoutMs: 10_000 }],
        ["messaging", "requestMany", "many", "", { timeoutMs: 200 }],
      );
      assert.deepEqual(
        [two, quiet, time].map((each) => (valueOf(each) as unknown[]).length),
        [2, 3, 3],
      );
    });

    it("refuses subjects that are not the guest's to use", async () => {
      await using system = await TestSystem.start({ deniedSubjects: ["secret.>", "*.private"] });
      const stolen: string[] = [];
      for (const subject of ["$KV.>", "$JS.>", "secret.>", "*.private"])
        system.client.subscribe(subject, { callback: (_, message) => void stolen.push(message.subject) });
      const guest = await open(system);
      const denied = [
        "$KV.hs_other_fn_kv.key",
        "$JS.API.STREAM.DELETE.KV_x",
        "$SYS.REQ.SERVER.PING",
        "$NEX.STOP.default.N",
        "$JSC.x",
        "_INBOX.abc.1",
        "_INBOX_other.abc",
        "_R_.x",
        "secret.a",
        "a.private",
      ];
      const outcomes = await guest.run(
        ...denied.map((subject) => ["messaging", "publish", subject, "x"] as const),
        ...denied.map((subject) => ["messaging", "request", subject, "x"] as const),
        ...denied.map((subject) => ["messaging", "requestMany", subject, "x"] as const),
        ...denied.map((reply) => ["messaging", "publish", "fine", "x", { reply }] as const),
      );
      assert.deepEqual([...new Set(outcomes.map(codeOf))], ["subject_denied"]);
      assert.deepEqual(stolen, []);
    });
  });
}
