import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { childrenOf, processAlive, processes, startProgram, temporaryDirectory, waitFor } from "@nex/testing";
import { findCgroups } from "@nex/sandboxes/testing";
import { noBubblewrap } from "@nex/testing/sandboxes";

interface Told {
  readonly runtime: string;
  readonly runner: number;
  readonly nats: number;
  readonly sandboxes: readonly { readonly pid: number; readonly uid?: number }[];
}

for (const name of ["process", "bubblewrap"]) {
  test(
    `kill -9 of the node leaves no agent, no runner and no other child: ${name}`,
    { skip: name === "bubblewrap" && noBubblewrap },
    async () => {
      // What a killed process leaves on disk goes with this directory.
      await using directory = await temporaryDirectory();
      await using node = await startProgram(join(import.meta.dirname, "../support/node-process.ts"), {
        args: [name],
        env: { TMPDIR: directory.path },
      });
      const told = JSON.parse(node.line) as Told;
      const belongs = (): string[] =>
        processes()
          .filter(
            ({ uid, command }) =>
              command.includes(told.runtime) || told.sandboxes.some((sandbox) => sandbox.uid === uid),
          )
          .map(({ pid, command }) => `${pid} ${command}`);
      const children = childrenOf(node.pid);
      assert.ok(children.length >= 3, "two agents and a NATS server");
      assert.ok(belongs().length >= 2);
      assert.ok(processAlive(told.runner));
      await node.kill("SIGKILL");
      await waitFor(
        () => belongs().length === 0 && !processAlive(told.runner) && children.every((pid) => !processAlive(pid)),
        {
          message: "the end of all that the node had started",
        },
      );
      // Groups have no life of their own: the next node takes them away, as here.
      findCgroups().removeLeftovers();
      assert.deepEqual(groupsOf(node.pid), []);
    },
  );
}

/** Control groups that bear this node's name. */
function groupsOf(pid: number): string[] {
  const mine = findCgroups().create("test-look");
  try {
    return mine.entrances
      .flatMap((file) => readdirSync(join(file, "../..")))
      .filter((name) => name.startsWith(`nex.${pid}.`));
  } finally {
    void mine.remove();
  }
}
