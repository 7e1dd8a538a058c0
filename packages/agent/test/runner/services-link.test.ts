import assert from "node:assert/strict";
import { constants, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { describe, it } from "node:test";
import { NodeDouble } from "../support/node-double.ts";

/** That of `RunnerDescriptor`. */
const SERVICES = "7";

const isLinux = process.platform === "linux";

describe("The link on which a runner waits for host services", () => {
  it(
    "blocks, so that the kernel wakes the runner, and is the runner's alone",
    { skip: isLinux ? false : "reads /proc" },
    async () => {
      await using node = await NodeDouble.start();
      const [runner] = node.runnerPids;
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${runner}/fdinfo/${SERVICES}`, "utf8"))?.[1];
      assert.equal(Number.parseInt(flags ?? "", 8) & constants.O_NONBLOCK, 0, `flags ${flags}`);
      const socket = readlinkSync(`/proc/${runner}/fd/${SERVICES}`);
      assert.match(socket, /^socket:/);
      const ofAgent = readdirSync(`/proc/${node.agentPid}/fd`).map((descriptor) => {
        try {
          return readlinkSync(`/proc/${node.agentPid}/fd/${descriptor}`);
        } catch {
          return "closed meanwhile";
        }
      });
      assert.ok(!ofAgent.includes(socket), "the agent has kept a copy");
    },
  );
});
