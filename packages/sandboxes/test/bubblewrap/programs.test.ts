import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { agentPrograms, bubblewrapProgram, temporaryDirectory } from "@nex/testing";
import { endOf } from "../../src/child-end.ts";
import { findBubblewrap } from "../../src/bubblewrap/find-bubblewrap.ts";
import { launch } from "../../src/bubblewrap/launch.ts";
import { noBubblewrap } from "@nex/testing/sandboxes";

/** Tries to open for writing all that the processes of its sandbox have open or run. Prints what could be. */
const OPEN_ALL = `
const fs = require("node:fs");
const opened = [];
for (const pid of fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name))) {
  const paths = ["/proc/" + pid + "/exe"];
  try { for (const fd of fs.readdirSync("/proc/" + pid + "/fd")) paths.push("/proc/" + pid + "/fd/" + fd); } catch {}
  for (const path of paths) {
    try {
      const target = fs.readlinkSync(path);
      if (!target.startsWith("/") || target.startsWith("/dev/") || target.startsWith("/proc/")) continue;
      fs.chmodSync(path, 0o755);
      opened.push("mode of " + target);
    } catch {}
    try { fs.closeSync(fs.openSync(path, "r+")); opened.push(fs.readlinkSync(path)); } catch {}
  }
}
for (const path of ["/usr/lib/nex/node", "/usr/lib/nex/agent", "/usr/lib/nex/runner"])
  try { fs.closeSync(fs.openSync(path, "r+")); opened.push(path); } catch {}
console.log(JSON.stringify(opened.filter((path) => !path.startsWith("/dev/"))));
`;

// Without a user of its own outside: as where the node is not root, and owns its programs.
test("a sandbox of the node's own user cannot write to the node's programs", { skip: noBubblewrap }, async () => {
  await using directory = await temporaryDirectory();
  const programs = {
    node: process.execPath,
    agent: join(directory.path, "agent"),
    runner: join(directory.path, "runner"),
  };
  await copyFile(agentPrograms().agent, programs.agent);
  await copyFile(agentPrograms().runner, programs.runner);
  for (const path of [programs.agent, programs.runner]) await chmod(path, 0o755);
  const link = join(directory.path, "link");
  await mkdir(link);
  const { child } = await launch({
    uid: undefined,
    cgroupEntrances: [],
    shareNetwork: false,
    diskBytes: 2 ** 20,
    command: ({ node }) => [node, "-e", OPEN_ALL],
    bubblewrap: findBubblewrap(bubblewrapProgram())!,
    programs,
    directory: directory.path,
    link,
    metadata: "",
  });
  const [said, errors] = await Promise.all([text(child.stdout!), text(child.stderr!), endOf(child)]);
  assert.deepEqual(JSON.parse(said), [], errors);
  assert.deepEqual(await readFile(programs.agent), await readFile(agentPrograms().agent));
});
