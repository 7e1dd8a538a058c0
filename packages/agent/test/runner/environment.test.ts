import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NodeDouble } from "../support/node-double.ts";

const ALL =
  "export default (event, ctx) => ({ process: { ...process.env }, context: ctx.env, frozen: Object.isFrozen(ctx.env) });";

describe("A function's environment", () => {
  it("is the deploy's and nothing else: none of the agent's, none of the node's", async () => {
    await using node = await NodeDouble.run(ALL, { env: { GREETING: "grüß dich", EMPTY: "", PATH: "/mine" } });
    const { process: inherited, context, frozen } = JSON.parse((await node.trigger()).text);
    assert.deepEqual(inherited, { GREETING: "grüß dich", EMPTY: "", PATH: "/mine" });
    assert.deepEqual(context, inherited);
    assert.equal(frozen, true);
  });

  it("is empty when the deploy names none", async () => {
    await using node = await NodeDouble.run(ALL);
    assert.deepEqual(JSON.parse((await node.trigger()).text), { process: {}, context: {}, frozen: true });
  });

  it("is there while the module is loaded", async () => {
    await using node = await NodeDouble.run("const who = process.env.WHO; export default () => who;", {
      env: { WHO: "me" },
    });
    assert.equal((await node.trigger()).text, "me");
  });

  it("cannot turn on options of Node", async () => {
    await using node = await NodeDouble.run(
      `export default async () => { try { await import("node:fs").then((fs) => fs.readFileSync("/etc/hostname")); return "read"; } catch (error) { return error.code; } };`,
      {
        env: { NODE_OPTIONS: "--allow-fs-read=*" },
      },
    );
    assert.equal((await node.trigger()).text, "ERR_ACCESS_DENIED");
  });
});
